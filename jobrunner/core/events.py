"""What happens, as values: runtime code emits them, subscribers write or count them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, WorkerId


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A worker began an attempt: Pending -> In Progress."""

    task_id: TaskId
    name: str
    attempt: int
    worker_id: WorkerId


@dataclass(frozen=True, slots=True)
class TaskSettled:
    """An attempt's end is stored: In Progress -> `status`. `error` is one line."""

    task_id: TaskId
    name: str
    attempt: int
    worker_id: WorkerId
    outcome: str
    status: Status
    ran: timedelta
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TasksStarted:
    """Very many attempts began at once: too many to tell of each."""

    count: int
    first: TaskId
    last: TaskId
    worker_id: WorkerId


@dataclass(frozen=True, slots=True)
class TasksCompleted:
    """Very many tasks completed at once: too many to tell of each. The history has them all."""

    count: int
    first: TaskId
    last: TaskId
    worker_id: WorkerId


@dataclass(frozen=True, slots=True)
class TaskRescued:
    """A task was taken from a lost worker, or from one that overran the task's timeout."""

    task_id: TaskId
    worker_id: WorkerId
    status: Status
    error: str | None


@dataclass(frozen=True, slots=True)
class DependentCancelled:
    """A task will never run, because `parent_id` failed or was cancelled."""

    task_id: TaskId
    parent_id: TaskId


@dataclass(frozen=True, slots=True)
class TaskExpired:
    """A task was cancelled, because it was not started before its `expires_at`."""

    task_id: TaskId
    error: str


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """A late write was refused: the task was taken away from this worker; nothing changed."""

    task_id: TaskId
    attempt: int
    worker_id: WorkerId


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """A worker began to claim."""

    worker_id: WorkerId
    executor: str
    concurrency: int


@dataclass(frozen=True, slots=True)
class WorkerStopping:
    """A worker claims no more and waits for what it runs. `reason` completes "because …"."""

    worker_id: WorkerId
    reason: str


@dataclass(frozen=True, slots=True)
class WorkerStopped:
    """A worker has ended in order."""

    worker_id: WorkerId
    settled: int


@dataclass(frozen=True, slots=True)
class WorkerPaused:
    """A worker claims nothing until it is told to go on; what it runs, it ends."""

    worker_id: WorkerId


@dataclass(frozen=True, slots=True)
class WorkerResumed:
    """A paused worker claims again."""

    worker_id: WorkerId


@dataclass(frozen=True, slots=True)
class WorkerResized:
    """A worker runs so many at a time from now on."""

    worker_id: WorkerId
    concurrency: int


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker was declared lost. `reason` completes "because …"."""

    worker_id: WorkerId
    reason: str


@dataclass(frozen=True, slots=True)
class WorkerTrouble:
    """Something went wrong that the worker survives, such as a database that is busy."""

    worker_id: WorkerId
    problem: str


Event = (
    TaskStarted
    | TaskSettled
    | TasksStarted
    | TasksCompleted
    | TaskRescued
    | DependentCancelled
    | TaskExpired
    | LeaseLost
    | WorkerStarted
    | WorkerStopping
    | WorkerStopped
    | WorkerPaused
    | WorkerResumed
    | WorkerResized
    | WorkerLost
    | WorkerTrouble
)

Emit = Callable[[Event], None]
"""Where events go. A subscriber must be quick and must not raise."""


def ignore(_event: Event) -> None:
    """Drop the event."""
