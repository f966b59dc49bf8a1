"""TaskQueue: the façade that programs, the command line and pages share."""

import contextlib
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from jobrunner.bulk import Bulk
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.events import Emit
from jobrunner.core.hook import RESERVED
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId
from jobrunner.function import Registrar, TaskOptions, new_task
from jobrunner.hooks import Hooks
from jobrunner.observe.logs import log
from jobrunner.retention import RetentionRules
from jobrunner.runtime.clock import Clock, SharedClock
from jobrunner.runtime.registry import Reference
from jobrunner.storage import control, migrate, reads
from jobrunner.storage.engine import Database
from jobrunner.storage.store import Store
from jobrunner.storage.stored import as_stored
from jobrunner.views import Views

if TYPE_CHECKING:
    from sqlalchemy import Connection

R = TypeVar("R")


class TaskQueue(Registrar, Views):
    """One database of tasks, and the functions that they may run.

    Safe in any number of threads and processes. A file is made or upgraded at the first use.
    """

    def __init__(
        self,
        location: str | os.PathLike[str] = "jobrunner.db",
        *,
        emit: Emit = log,
        clock: Clock | None = None,
    ) -> None:
        """`location` is the path of an SQLite file or a database URL; `emit` gets events.

        Raises:
            DatabaseError: the location has no meaning.
        """
        super().__init__()
        self.store = Store(Database(location))
        self.clock: Clock = clock or SharedClock(self.store.server_time)
        self.emit = emit
        self.after_commit = self.store.after_commit
        """Called after each transaction of this queue that wrote; `testing.inline` is one."""
        self.bulk = Bulk(self)
        self.hooks = Hooks(self)
        self.retention = RetentionRules(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process: opened anew there, with the same functions."""
        return _reopen, (self.store.location, self.registry.references, self.emit)

    @property
    def database(self) -> Database:
        """The database, with its tables in place.

        Raises:
            DatabaseError: it cannot be opened.
            SchemaError: it is of another version of jobrunner.
        """
        return self.store.database

    def upgrade(self) -> migrate.Upgraded:
        """Bring the tables to the newest schema, a file of an older one with a backup first."""
        return self.store.upgrade()

    def relocate(self, location: str | os.PathLike[str]) -> str:
        """Live in another database from now on; returns where it has lived before.

        Raises:
            DatabaseError: the location has no meaning.
        """
        return self.store.relocate(location)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self.store.close()

    def transaction(self) -> "contextlib.AbstractContextManager[Connection]":
        """One transaction for your own SQL and what you enqueue: all of it or nothing.

        Yields an SQLAlchemy connection to the same database. Keep it short: on SQLite nobody
        else writes meanwhile. One inside another is part of it.
        """
        return self.store.joining()

    def enqueue(self, new: NewTask[R]) -> Task[R]:
        """Store one task; once this returns, it survives a crash.

        Raises:
            InvalidTaskError: it cannot be stored; nothing was.
            UnknownFunctionError: functions are registered here, but none of that name.
            DiskFullError: there is too little room on the disk; nothing was stored.
        """
        return self.enqueue_many([new])[0]

    def enqueue_many(self, new: Iterable[NewTask[Any]]) -> list[Task[Any]]:
        """Store tasks in one transaction, all or none, and return them in the same order.

        `after` may name tasks of the same call, before or behind.

        Raises:
            InvalidTaskError: one cannot be stored; none was.
            UnknownFunctionError: functions are registered here, but none of that name.
        """
        rows = self._enqueue(list(new))
        if self.after_commit:  # they may have run by now
            return self.store.read(reads.get_many, [row["id"] for row in rows], source=self)
        return [as_stored(row, self) for row in rows]

    def enqueue_ids(self, new: Sequence[NewTask[Any]]) -> list[TaskId]:
        """Like `enqueue_many`, for very many: returns only the ids."""
        return [row["id"] for row in self._enqueue(new)]

    def _enqueue(self, new: Sequence[NewTask[Any]]) -> list[dict[str, Any]]:
        self.registry.require({task.function for task in new if task.function})
        if any(task.queue.startswith(RESERVED) for task in new):
            raise InvalidTaskError(f"queues that begin with {RESERVED} are jobrunner's own")
        return self.store.enqueue(new, now=self.clock.now())

    def enqueue_command(self, argv: Sequence[str], **options: Unpack[TaskOptions]) -> Task[int]:
        """Store a command, run without a shell; its result is its exit code, 0.

        Raises:
            InvalidTaskError: it cannot be stored.
        """
        return self.enqueue(new_task(options, command=argv))

    def update(
        self,
        task_id: int,
        *,
        priority: int | None = None,
        description: str | None = None,
        queue: str | None = None,
    ) -> Task[Any]:
        """Change a task that has not started.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it runs or has ended.
            InvalidTaskError: a value is not right.
        """
        given = {"priority": priority, "description": description, "queue": queue}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        NewTask(function="any", **values)  # the same checks as for a new one
        self.store.write(control.change, TaskId(task_id), values)
        return self.get(task_id)

    def cancel(self, task_id: int) -> Status:
        """Cancel a waiting task, or have a running one stopped; its status after the call.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has ended.
        """
        return self.store.write(control.cancel, TaskId(task_id), now=self.clock.now())

    def retry(self, task_id: int) -> Status:
        """Run a failed or cancelled task again; its status after the call.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has not ended, has completed, or depends on one that failed.
        """
        return self.store.write(control.retry, TaskId(task_id), now=self.clock.now())


def _reopen(location: str, references: Sequence[Reference], emit: Emit) -> TaskQueue:
    queue = TaskQueue(location, emit=emit)
    queue.registry.load(references, location)
    return queue
