"""Every error the package raises, as one tree.

JobrunnerError
├── InvalidTaskError            what was given cannot become a task
│   ├── PayloadError            a value that is not JSON, or too large
│   ├── CycleError              tasks that wait for each other
│   ├── DuplicateTaskError      another task has its unique key
│   └── UnknownParentError      `after` names a task that is not there
├── UnknownFunctionError        no function of that name is registered
├── DuplicateFunctionError      two functions of one name
├── InvalidScheduleError        what was given cannot become a schedule: `schedule_errors`
├── ScheduleNotFoundError       no schedule has that name: `schedule_errors`
├── TaskNotFoundError           no task has that id
├── TaskStateError              the task's status does not allow that
├── WorkerNotFoundError         no worker and no crew has that name
├── HookNotFoundError           no hook has that name
├── TaskFailedError             the awaited task failed or was cancelled
├── WaitTimeoutError            the awaited task did not end in time
│   └── DrainTimeoutError       a queue still runs something
├── LeaseLostError              this attempt no longer owns its task
├── EventTimeoutError           the event that a task waits for was not sent in time
├── StepError                   a step of a task that cannot be kept as asked
├── MoveError                   what arrived in another database is not what was sent
├── ApplicationError            the application could not be imported
├── ConfigurationError          a setting has no meaning
│   └── DuplicateHookError      another hook has that name
├── UnauthenticatedError        nobody knows who asks: `web_errors`, as those up to ServerError
├── ForbiddenError              who asks may not do that
│   └── RoleError               a token of another role is needed
├── ReadOnlyError               nothing is changed here
├── TokenNotFoundError          no token has that name
├── IdempotencyError            a key that has stood for another request
├── TooManyRequestsError        more requests than one may make in a time
├── TooManyStreamsError         more streams of changes than a server gives
├── ServerError                 a server did not do what it was asked for
│   ├── UnreachableError        there is no answer, and nothing was done
│   ├── AnswerLostError         what was asked for may be done or not
│   └── UnexpectedAnswerError   an answer that is none of ours
└── DatabaseError               the database cannot be used
    ├── SchemaError             the database is of another version
    ├── LastingError            to try again is of no use: workers end
    │   ├── DatabaseDamagedError    the file is damaged: nothing more may be claimed
    │   └── DatabaseMovedError      its work goes on in another database
    ├── DiskFullError           there is no room for more
    ├── ConflictError           two transactions waited for each other, and this one gave way
    └── CommitUnknownError      a COMMIT raised: what it wrote may be there or not
"""

from collections.abc import Sequence
from difflib import get_close_matches


class JobrunnerError(Exception):
    """The root: everything the package raises on purpose."""

    hint: str = ""
    """What to do next, one sentence, or empty."""


class InvalidTaskError(JobrunnerError):
    """What was given cannot become a task."""

    def __init__(self, problem: str, *, field: str = "", hint: str = "") -> None:
        """`field` names the part of the task at fault, where there is one."""
        super().__init__(problem)
        self.field = field
        self.hint = hint


class PayloadError(InvalidTaskError):
    """A value that cannot be stored as JSON, or is over the size limit."""


class CycleError(InvalidTaskError):
    """Tasks that wait for each other."""

    def __init__(self, members: Sequence[str]) -> None:
        """`members` are names along the cycle, the first one repeated at the end."""
        super().__init__(
            f"these tasks wait for each other: {' -> '.join(members)}",
            field="after",
            hint="Remove one of these dependencies; nothing was enqueued.",
        )
        self.members = tuple(members)


class UnknownParentError(InvalidTaskError):
    """`after` names a task that is not in the database."""

    def __init__(self, parent: int | str) -> None:
        """`parent` is the id or the ref that was not found."""
        super().__init__(
            f"it is to run after task {parent}, which does not exist",
            field="after",
            hint="Check the id with `jobrunner task list`; nothing was enqueued.",
        )
        self.parent = parent


class UnknownFunctionError(JobrunnerError):
    """No function of that name is registered."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        """`known` are the names that are registered."""
        super().__init__(f"no function named {name!r} is registered")
        self.name = name
        self.known = tuple(known)
        self.hint = self._next_step()

    def _next_step(self) -> str:
        if not self.known:
            return "Name the application that defines it with -A module:attribute."
        if close := get_close_matches(self.name, self.known, n=1):
            return f"Did you mean {close[0]!r}?"
        return f"Known functions: {', '.join(sorted(self.known)[:10])}."


class DuplicateFunctionError(JobrunnerError):
    """Two different functions were registered under one name."""

    def __init__(self, name: str) -> None:
        """`name` is the name both ask for."""
        super().__init__(f"two functions are named {name!r}")
        self.name = name
        self.hint = f'Give one of them a name of its own: @queue.task(name="…{name}").'


class TaskNotFoundError(JobrunnerError):
    """No task has that id."""

    hint = "List what there is with `jobrunner task list`."

    def __init__(self, task_id: int) -> None:
        """`task_id` is the id that was asked for."""
        super().__init__(f"there is no task {task_id}")
        self.task_id = task_id


class TaskStateError(JobrunnerError):
    """The task's status does not allow what was asked."""

    def __init__(self, task_id: int, problem: str, *, hint: str = "") -> None:
        """`problem` completes the sentence "task N …"."""
        super().__init__(f"task {task_id} {problem}")
        self.task_id = task_id
        self.hint = hint


class TaskFailedError(JobrunnerError):
    """A task that was waited for failed or was cancelled."""

    def __init__(self, task_id: int, status: str, error: str | None) -> None:
        """`error` is the last error or the reason, one line."""
        super().__init__(f"task {task_id} {status}" + (f": {error}" if error else ""))
        self.task_id = task_id
        self.status = status
        self.error = error
        self.hint = f"See `jobrunner task show {task_id}`."


class WaitTimeoutError(JobrunnerError):
    """A task that was waited for did not end in time."""

    def __init__(self, task_ids: Sequence[int], seconds: float, *, hint: str = "") -> None:
        """`task_ids` are the ones still open after `seconds`."""
        listed = ", ".join(str(task_id) for task_id in task_ids[:5])
        more = f" and {len(task_ids) - 5} more" if len(task_ids) > 5 else ""  # noqa: PLR2004
        super().__init__(f"not ended within {seconds:g} s: task {listed}{more}")
        self.task_ids = tuple(task_ids)
        self.hint = hint or "Is a worker running? See `jobrunner status`."


class LeaseLostError(JobrunnerError):
    """This attempt no longer owns its task: it was rescued, cancelled or timed out elsewhere."""

    def __init__(self, task_id: int) -> None:
        """`task_id` is the task that somebody else may be running now."""
        super().__init__(f"the lease on task {task_id} is lost")
        self.task_id = task_id


class MoveError(JobrunnerError):
    """What has arrived in another database is not what was sent; nothing was kept of it."""

    def __init__(self, table: str, place: str) -> None:
        """`table` is the first that differs, `place` where it arrived."""
        super().__init__(f"the table {table} did not arrive in {place} as it was sent")
        self.table = table
        self.hint = "Nothing was changed; look for triggers or rules on the tables there."


class ApplicationError(JobrunnerError):
    """The application named by `-A` could not be imported."""

    def __init__(self, reference: str, problem: str) -> None:
        """`problem` is the real reason, such as the import error's own text."""
        super().__init__(f"the application {reference!r} could not be loaded: {problem}")
        self.reference = reference
        self.hint = "Name a module and its TaskQueue: -A module:attribute."


class ConfigurationError(JobrunnerError):
    """A setting that has no meaning."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)
        self.hint = hint


class DatabaseError(JobrunnerError):
    """The database cannot be reached or used."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)
        self.hint = hint


class SchemaError(DatabaseError):
    """The database's tables are of another version of jobrunner."""


class LastingError(DatabaseError):
    """To try again is of no use: workers end."""


class DatabaseDamagedError(LastingError):
    """The file is damaged, or no database at all: workers stop, and the file stays as it is."""


class DatabaseMovedError(LastingError):
    """Its work goes on in another database, or is on the way there: it takes no more writes."""


class DiskFullError(DatabaseError):
    """There is no room for more; what is stored is safe."""


class ConflictError(DatabaseError):
    """Two transactions waited for each other, and this one was taken back: repeat it."""


class CommitUnknownError(DatabaseError):
    """A COMMIT raised: what it wrote may be there or not. Look before you repeat it."""
