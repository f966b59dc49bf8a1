"""What stands around a task: all that decides whether a claim takes it, as the claim sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from jobrunner.core.history import AttemptRecord
from jobrunner.core.insight import Counted
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.sent import EventWait
from jobrunner.core.worker import WorkerInfo

NONE: Final = Counted(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A worker that is alive.

    `may_claim` says that it claims at all, `takes` that it takes the task if it has room;
    `lacks` are the resources of which it has too little left, `in_hand` the tasks it has now.
    """

    worker: WorkerInfo
    may_claim: bool
    takes: bool = False
    lacks: Sequence[str] = ()
    in_hand: int = 0

    @property
    def slots(self) -> int:
        """How many tasks it runs at a time."""
        return self.worker.wanted or self.worker.concurrency

    @property
    def is_free(self) -> bool:
        """Whether one of its slots is free."""
        return self.in_hand < self.slots


@dataclass(frozen=True, slots=True, kw_only=True)
class FullLimit:
    """A limit that lets no more start: of a queue or of a concurrency key.

    With a `period` it is a rate, and `opens_at` is when the next may start. `holders` are some of
    the tasks that take up its places.
    """

    name: str
    is_queue: bool
    most: int
    used: int
    period: timedelta | None = None
    opens_at: datetime | None = None
    holders: tuple[TaskNode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What stands around a task; what does not concern its status is left as it is here.

    `is_ready` says that it is pending, or scheduled and due, which a claim makes of it first.
    `parents` are some of the `waiting_on` that have not ended, `in_use` the tasks that have what
    it needs, `cause` the task whose end led to that of this one, `rival` the one that has its
    unique key. `is_known` is false where the application has no such function.
    """

    is_ready: bool = False
    is_due: bool = True
    is_in_time: bool = True
    is_moving: bool = False
    is_known: bool = True
    parents: Sequence[TaskNode] = ()
    waiting_on: int = 0
    waits: Sequence[EventWait] = ()
    last: AttemptRecord | None = None
    paused_at: datetime | None = None
    full: Sequence[FullLimit] = ()
    servers: Sequence[Server] = ()
    in_use: Sequence[TaskNode] = ()
    ahead: Counted = NONE
    cause: TaskNode | None = None
    rival: TaskNode | None = None

    @property
    def is_taken(self) -> bool:
        """Whether a worker that has room takes it now."""
        return any(one.takes for one in self.servers)
