"""Workers that are alive stand in the way of what changes a whole database."""

from collections.abc import Mapping, Sequence
from typing import Final

from jobrunner.core.errors import DatabaseError
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo

MANY: Final = 3
"""Workers that are named one by one."""


def refuse(alive: Sequence[WorkerId], known: Mapping[WorkerId, WorkerInfo], *, hint: str) -> None:
    """Name those that are alive, with their processes where they are `known`.

    Raises:
        DatabaseError: there are any.
    """
    if not alive:
        return
    named = [
        f"{worker_id} (process {known[worker_id].pid})" if worker_id in known else worker_id
        for worker_id in alive[:MANY]
    ]
    more = f" and {len(alive) - MANY} more" if len(alive) > MANY else ""
    raise DatabaseError(f"worker {', '.join(named)}{more} is alive", hint=hint)
