"""At most one task of a kind: what makes two the same, for how long, and what then happens."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from jobrunner.core.status import Status

LIVE: Final = frozenset({Status.BLOCKED, Status.SCHEDULED, Status.PENDING, Status.IN_PROGRESS})
"""A task that has not ended."""

WAITING: Final = LIVE - {Status.IN_PROGRESS}
"""A task that has not been started: another one may wait while it runs."""

OnConflict = Literal["error", "ignore", "replace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """What a task is not to be stored beside.

    `key` is any text; without one, it is made of the function and of the arguments `by` names
    (of all, if it is `None`). It holds while the other task has one of the statuses `in_`, and
    `within` limits it to so long after the other was stored. On a conflict: `error`; `ignore` the
    new task; or `replace` what a waiting one is to do and when, at latest `max_wait` after it was
    stored.
    """

    key: str | None = None
    by: Sequence[str] | None = None
    within: timedelta | None = None
    in_: AbstractSet[Status] = LIVE
    on_conflict: OnConflict = "error"
    max_wait: timedelta | None = None
