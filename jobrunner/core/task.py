"""The unit of work: as it is stored, and as a worker holds it; as it is asked for: `new_task`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, NewType, Protocol, TypeVar

from jobrunner.core.errors import TaskFailedError, TaskStateError
from jobrunner.core.status import Status

if TYPE_CHECKING:
    from jobrunner.core.explanation import Explanation

TaskId = NewType("TaskId", int)
WorkerId = NewType("WorkerId", str)
Token = NewType("Token", int)

R_co = TypeVar("R_co", covariant=True)

TASK_IDS: Final = range(1, 2**63)


def may_be_id(value: object) -> bool:
    """Whether a task can have this id. A range would look for anything but a number for ever."""
    return isinstance(value, int) and value in TASK_IDS


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running attempt says it is; `total` and `note` may be missing."""

    done: float
    total: float | None = None
    note: str | None = None

    def __str__(self) -> str:
        """As people read it: `30/100 (30%) halving`."""
        told = f"{self.done:g}"
        if self.total:
            told += f"/{self.total:g} ({self.done / self.total:.0%})"
        return f"{told} {self.note}" if self.note else told


class TaskSource(Protocol):
    """Where a stored task can be read again."""

    def get(self, task_id: int) -> "Task[Any]":
        """Read a task as it is now."""
        ...

    def wait(
        self, tasks: "Iterable[Task[Any] | int]", *, timeout: float | None
    ) -> "list[Task[Any]]":
        """Wait until all have ended."""
        ...

    def explain(self, task_id: int) -> "Explanation":
        """Tell why a task does not run, or that it may."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Generic[R_co]):
    """One stored task, as it was when it was read. Moments are UTC.

    `run_at` is the earliest start, or the moment since when it could run; `attempt` counts
    claims, `crashes` the attempts that ended with the death of their process.
    """

    id: TaskId
    status: Status
    queue: str
    function: str | None
    command: tuple[str, ...] | None
    cwd: str | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    priority: int
    description: str
    attempt: int
    max_attempts: int
    crashes: int
    timeout: timedelta | None
    created_at: datetime
    run_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    worker_id: WorkerId | None = None
    progress: Progress | None = None
    returned: Any = None
    """The stored result, `None` until the task has completed; see `result`."""
    error: str | None = None
    after: tuple[TaskId, ...] = ()
    concurrency_key: str | None = None
    needs: Mapping[str, float] = field(default_factory=dict[str, float])
    unique_key: str | None = None
    expires_at: datetime | None = None
    batch_id: int | None = None
    is_duplicate: bool = False
    """Whether it was there already when it was enqueued; see `Unique`."""
    source: TaskSource | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What people call it: its description, or what it runs."""
        return self.description or self.function or " ".join(self.command or ())

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from jobrunner.core.notebook import task_html  # noqa: PLC0415 — few need it

        return task_html(self)

    def refresh(self) -> "Task[R_co]":
        """Read the task again."""
        if self.source is None:
            raise TaskStateError(self.id, "was not read from a queue")
        return self.source.get(self.id)

    def wait(self, timeout: float | None = None) -> "Task[R_co]":
        """Wait until the task has ended and return it as it is then. `timeout` in seconds.

        Raises:
            WaitTimeoutError: it did not end in time.
        """
        if self.source is None:
            raise TaskStateError(self.id, "was not read from a queue")
        return self.source.wait([self], timeout=timeout)[0]

    def explain(self) -> "Explanation":
        """Why the task does not run as it is now, or that it may."""
        if self.source is None:
            raise TaskStateError(self.id, "was not read from a queue")
        return self.source.explain(self.id)

    def result(self) -> R_co:
        """What the function returned (a command: its exit code).

        Raises:
            TaskFailedError: it failed or was cancelled.
            TaskStateError: it has not ended; `wait` first.
        """
        task = self if self.status.is_final else self.refresh()
        if task.status is Status.COMPLETED:
            returned: R_co = task.returned
            return returned
        if task.status.is_final:
            raise TaskFailedError(task.id, task.status, task.error)
        raise TaskStateError(
            task.id, f"is {task.status}, it has no result yet", hint="Wait for it."
        )


class Lease(NamedTuple):
    """The right to run one claimed task and to settle it, and what running it takes.

    A named tuple, because a fast worker makes tens of thousands a second from rows.
    `command`, `args` and `kwargs` are JSON text; `token` is new at every claim and, with the
    id, the fence of every write. `timeout` is in seconds; `ready_at`, since when it could run, in
    microseconds since the epoch, as it is stored.
    """

    task_id: TaskId
    token: Token
    attempt: int
    max_attempts: int
    crashes: int
    queue: str
    priority: int
    function: str | None
    command: str | None
    cwd: str | None
    args: str | None
    kwargs: str | None
    timeout: float | None
    ready_at: int
    extras: str | None = None
