"""Client: a TaskQueue that is somewhere else, reached over REST."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from jobrunner.client import enqueueing
from jobrunner.client.batches import Batches
from jobrunner.client.bulk import Bulk
from jobrunner.client.changing import change_object
from jobrunner.client.connection import Connection, as_told, known
from jobrunner.client.crews import Crews
from jobrunner.client.estimates import Estimates
from jobrunner.client.events import Events
from jobrunner.client.queues import Keys, Queues
from jobrunner.client.schedules import Schedules
from jobrunner.client.seeing import Views
from jobrunner.core.changes import TaskChanges
from jobrunner.core.new_task import NewTask
from jobrunner.core.options import TaskOptions, new_task
from jobrunner.core.read_objects import task_of
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId

R = TypeVar("R")


class Client(Views):
    """A TaskQueue behind a server, `jobrunner serve`: the same calls, objects and errors.

    Safe in any number of threads. Besides what each call raises, all raise an UnreachableError
    where no server answers, an AnswerLostError where what was done is not known, and an
    UnauthenticatedError or a ForbiddenError where the token does not do.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 30.0) -> None:
        """`url` is that of the server; `timeout` is in seconds, for each answer.

        Raises:
            ConfigurationError: the address is none.
        """
        super().__init__(Connection(url, token, timeout))
        self.queues = Queues(self.connection)
        self.keys = Keys(self.connection)
        self.crews = Crews(self.connection)
        self.schedules = Schedules(self.connection, self)
        self.batches = Batches(self.connection, self)
        self.bulk = Bulk(self.connection)
        self.estimates = Estimates(self.connection)
        self.events = Events(self.connection)
        """What tasks wait for; called, what happens as it happens."""

    def __repr__(self) -> str:
        return f"Client({self.connection.url!r})"

    def close(self) -> None:
        """Close all connections, and end what waits in other threads."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def enqueue(self, new: NewTask[R]) -> Task[R]:
        """Store one task; once this returns, it survives a crash.

        A function that the server knows brings its own options, wherever `new` says nothing else.

        Raises:
            InvalidTaskError: it cannot be stored; nothing was.
            UnknownFunctionError: the server knows functions, but none of that name.
            ForbiddenError: it is a command, and the server takes none.
        """
        return enqueueing.enqueue_one(self.connection, self, new)

    def enqueue_many(self, new: Iterable[NewTask[Any]]) -> list[Task[Any]]:
        """Store tasks in one transaction, all or none, and return them in the same order.

        `after` may name tasks of the same call, before or behind. For one whose unique key was
        in use, the task that has it is returned in its place, with `is_duplicate`. One call
        takes 10,000 tasks and 2 MiB at most.

        Raises:
            InvalidTaskError: one cannot be stored; none was.
            DuplicateTaskError: a unique key is in use, and that is an error; none was stored.
            UnknownFunctionError: the server knows functions, but none of that name.
        """
        return enqueueing.enqueue_many(self.connection, self, list(new))

    def enqueue_ids(self, new: Sequence[NewTask[Any]]) -> list[TaskId]:
        """Like `enqueue_many`, for very many: returns only the ids."""
        return enqueueing.enqueue_ids(self.connection, new)

    def enqueue_command(self, argv: Sequence[str], **options: Unpack[TaskOptions]) -> Task[int]:
        """Store a command, run without a shell; its result is its exit code, 0.

        Raises:
            InvalidTaskError: it cannot be stored.
            ForbiddenError: the server takes no commands.
        """
        return self.enqueue(new_task(options, command=argv))

    def update(self, task_id: int, **changes: Unpack[TaskChanges]) -> Task[Any]:
        """Change a task that has not started: what it is to do, when, in which queue.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it runs or has ended.
            InvalidTaskError: a value is not right; nothing was changed.
        """
        told = self.connection.do(
            "tasks", known(task_id), body=change_object(changes), method="PATCH"
        )
        return as_told(lambda one: task_of(one, self), told)

    def cancel(self, task_id: int) -> Status:
        """Cancel a waiting task, or have a running one stopped; its status after the call.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has ended.
        """
        return self._standing("cancel", task_id)

    def retry(self, task_id: int, *, downstream: bool = False, failed_only: bool = False) -> Status:
        """Run a failed or cancelled task again; its status after the call.

        With `downstream` or `failed_only`, see `TaskQueue.rewind`.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has not ended, has completed, or depends on one that failed.
        """
        how = {"downstream": downstream, "failed_only": failed_only}
        return self._standing("retry", task_id, how)

    def rewind(self, task_id: int, *, failed_only: bool = False) -> list[TaskId]:
        """Run a task again, completed or not, with all that depends on it; the ids of all these.

        See `TaskQueue.rewind`.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has not ended, one of them runs, it depends on one that failed, or
                with `failed_only` none has failed.
        """
        told = self._act("retry", task_id, {"downstream": True, "failed_only": failed_only})
        return as_told(lambda one: [TaskId(each) for each in one["ids"]], told)

    def _standing(self, act: str, task_id: int, body: Any = None) -> Status:
        return as_told(lambda one: Status(one["status"]), self._act(act, task_id, body))

    def _act(self, act: str, task_id: int, body: Any) -> Any:
        return self.connection.do("tasks", known(task_id), act, body=body)
