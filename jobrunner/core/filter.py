"""Which tasks are looked for."""

from typing import TypedDict

from jobrunner.core.status import Status


class TaskFilter(TypedDict, total=False):
    """What must match, and how many at most; `before` goes on below an id.

    The newest tasks come first, 50 of them unless `limit` says otherwise.
    """

    status: Status | None
    queue: str | None
    function: str | None
    batch_id: int | None
    before: int | None
    limit: int
