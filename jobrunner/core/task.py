"""The unit of work: as it is asked for, as it is stored, and as a worker holds it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, NewType, Protocol, TypeVar, Union

from jobrunner.core import fields, payload
from jobrunner.core.errors import TaskFailedError, TaskStateError
from jobrunner.core.status import Status

TaskId = NewType("TaskId", int)
WorkerId = NewType("WorkerId", str)
Token = NewType("Token", int)

R_co = TypeVar("R_co", covariant=True)

DEFAULT_QUEUE: Final = "default"
LONGEST_QUEUE: Final = 500
"""Characters of a queue's name: it stands in indexes."""
DEFAULT_MAX_ATTEMPTS: Final = 5
NO_DELAY: Final = timedelta()
PRIORITY_RANGE: Final = range(-(2**31), 2**31)
TASK_IDS: Final = range(1, 2**63)


def may_be_id(value: object) -> bool:
    """Whether a task can have this id. A range would look for anything but a number for ever."""
    return isinstance(value, int) and value in TASK_IDS


Parent = Union[int, "Task[Any]", "NewTask[Any]"]
"""What `after` may name: an id, a stored task, or one enqueued in the same call."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewTask(Generic[R_co]):
    """A task that is not stored yet: a function's name with arguments, or a command.

    `after` names parents that must complete, or this task is cancelled; `after_any` names
    parents that only have to end, in whatever way. `cwd` is the folder a command runs in, the
    worker's own unless given. `delay` counts from the moment of
    enqueueing; `run_at` is a moment with a time zone. Priorities are integers, higher first.

    Raises:
        InvalidTaskError: a field has a wrong type or value.
    """

    function: str | None = None
    command: Sequence[str] | None = None
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    queue: str = DEFAULT_QUEUE
    priority: int = 0
    description: str = ""
    delay: timedelta = NO_DELAY
    run_at: datetime | None = None
    after: Sequence[Parent] = ()
    after_any: Sequence[Parent] = ()
    timeout: timedelta | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    cwd: str | None = None

    def __post_init__(self) -> None:
        """Check every field, so that nothing wrong gets as far as the database."""
        self._check_work()
        payload.check_text(self.description, what="description")
        payload.check_text(self.queue, what="queue")
        if not self.queue:
            raise fields.invalid("queue", "must have a name")
        if len(self.queue) > LONGEST_QUEUE:
            raise fields.invalid("queue", f"must have at most {LONGEST_QUEUE} characters")
        if self.cwd is not None and not payload.check_text(self.cwd, what="cwd").startswith("/"):
            raise fields.invalid("cwd", "must be an absolute path")
        fields.check_integer("priority", self.priority, PRIORITY_RANGE)
        fields.check_integer("max_attempts", self.max_attempts, range(1, 10_001))
        fields.check_span("delay", self.delay, shortest=NO_DELAY)
        if self.timeout is not None:
            fields.check_span("timeout", self.timeout, shortest=timedelta.resolution)
        if self.run_at is not None:
            fields.check_moment("run_at", self.run_at)
        _check_parents("after", self.after)
        _check_parents("after_any", self.after_any)

    def _check_work(self) -> None:
        if (self.function is None) == (self.command is None):
            raise fields.invalid("function", "or command: a task has exactly one of them")
        if self.function is not None and not payload.check_text(self.function, what="function"):
            raise fields.invalid("function", "must have a name")
        if not fields.is_list(self.args):
            raise fields.invalid("args", "must be a list")
        if not fields.has_names(self.kwargs):
            raise fields.invalid("kwargs", "must be an object with names for keys")
        if self.command is not None:
            self._check_command(self.command)

    def _check_command(self, command: Sequence[str]) -> None:
        if not fields.is_list(command) or not command:
            raise fields.invalid("command", "must be a list with a program and its arguments")
        for part in command:
            payload.check_text(part, what="command")
        if self.args or self.kwargs:
            raise fields.invalid("args", "go with a function; a command has its own")

    @property
    def name(self) -> str:
        """What people call it: its description, or what it runs."""
        return self.description or self.function or " ".join(self.command or ())


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running attempt says it is; `total` and `note` may be missing."""

    done: float
    total: float | None = None
    note: str | None = None


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
    source: TaskSource | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What people call it: its description, or what it runs."""
        return self.description or self.function or " ".join(self.command or ())

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


def _check_parents(name: str, parents: Sequence[object]) -> None:
    if not fields.is_list(parents):
        raise fields.invalid(name, "must be a list of tasks or ids")
    for parent in parents:
        if not isinstance(parent, Task | NewTask):
            fields.check_integer(name, parent, TASK_IDS)
