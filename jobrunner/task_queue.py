"""TaskQueue: the façade that programs, the command line and pages share."""

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from jobrunner.audit import Audit
from jobrunner.batches import Batches, OpenBatch
from jobrunner.bulk import Bulk
from jobrunner.core.batch import Callbacks
from jobrunner.core.changes import TaskChanges, as_fields
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.events import Emit
from jobrunner.core.hook import RESERVED
from jobrunner.core.new_task import NewTask
from jobrunner.core.options import TaskOptions, new_task
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId, TaskSource
from jobrunner.crews import Crews
from jobrunner.estimates import Estimates
from jobrunner.futures.maker import MakesExecutors
from jobrunner.hooks import Hooks
from jobrunner.insights import Insight
from jobrunner.observe.logs import log
from jobrunner.queues import Keys, Queues
from jobrunner.registrar import Registrar
from jobrunner.retention import RetentionRules
from jobrunner.runtime.clock import Clock, SharedClock
from jobrunner.runtime.registry import Reference
from jobrunner.schedules import Schedules
from jobrunner.sent import Events
from jobrunner.storage import control, migrate, reads
from jobrunner.storage.change import change
from jobrunner.storage.engine import Database
from jobrunner.storage.rewind import rewind
from jobrunner.storage.store import Store
from jobrunner.storage.stored import as_stored
from jobrunner.storage.telemetry import sending
from jobrunner.tokens import Tokens
from jobrunner.views import Views

if TYPE_CHECKING:
    from sqlalchemy import Connection

R = TypeVar("R")


class TaskQueue(Registrar, Views, MakesExecutors):
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
        self.queues = Queues(self.store, self.clock)
        self.keys = Keys(self.store)
        self.crews = Crews(self)
        self.after_commit = self.store.after_commit
        """Called after each transaction of this queue that wrote; `testing.inline` is one."""
        self.schedules = Schedules(self)
        self.batches = Batches(self)
        self.events = Events(self.store, self.clock)
        """What tasks wait for with `context.wait_for`."""
        self.bulk = Bulk(self)
        self.hooks = Hooks(self)
        self.retention = RetentionRules(self)
        self.insight = Insight(self)
        """What pages and pollers look at."""
        self.estimates = Estimates(self)
        """How long runs take, and when what is open will have ended."""
        self.tokens = Tokens(self)
        self.audit = Audit(self)

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

    def batch(self, *, description: str = "", **callbacks: Unpack[Callbacks]) -> OpenBatch:
        """Collect a batch in a block, `with queue.batch(on_end=…) as batch`, and store it whole.

        See `Batches.enqueue`, which may raise at the end of the block.
        """
        return OpenBatch(self.batches, description, callbacks)

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

        `after` may name tasks of the same call, before or behind. For one whose unique key was
        in use, the task that has it is returned in its place, with `is_duplicate`.

        Raises:
            InvalidTaskError: one cannot be stored; none was.
            DuplicateTaskError: a unique key is in use, and that is an error; none was stored.
            UnknownFunctionError: functions are registered here, but none of that name.
        """
        rows = self._enqueue(list(new), self)
        if self.after_commit:  # they may have run by now
            ids = [row["id"] for row in rows]
            found = {task.id: task for task in self.store.read(reads.get_many, ids, source=self)}
            return [replace(found[row["id"]], is_duplicate=row["is_duplicate"]) for row in rows]
        return [as_stored(row, self) for row in rows]

    def enqueue_ids(self, new: Sequence[NewTask[Any]]) -> list[TaskId]:
        """Like `enqueue_many`, for very many: returns only the ids."""
        return [row["id"] for row in self._enqueue(new)]

    def _enqueue(
        self, new: Sequence[NewTask[Any]], source: TaskSource | None = None
    ) -> list[dict[str, Any]]:
        self.registry.require({task.function for task in new if task.function})
        if any(task.queue.startswith(RESERVED) for task in new):
            raise InvalidTaskError(f"queues that begin with {RESERVED} are jobrunner's own")
        with sending(new):
            return self.store.enqueue(new, now=self.clock.now(), source=source)

    def enqueue_command(self, argv: Sequence[str], **options: Unpack[TaskOptions]) -> Task[int]:
        """Store a command, run without a shell; its result is its exit code, 0.

        Raises:
            InvalidTaskError: it cannot be stored.
        """
        return self.enqueue(new_task(options, command=argv))

    def update(self, task_id: int, **changes: Unpack[TaskChanges]) -> Task[Any]:
        """Change a task that has not started: what it is to do, when, in which queue.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it runs or has ended.
            InvalidTaskError: a value is not right; nothing was changed.
        """
        values = as_fields(changes)
        self.store.write(change, TaskId(task_id), values, now=self.clock.now())
        return self.get(task_id)

    def cancel(self, task_id: int) -> Status:
        """Cancel a waiting task, or have a running one stopped; its status after the call.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has ended.
        """
        return self.store.write(control.cancel, TaskId(task_id), now=self.clock.now())

    def retry(self, task_id: int, *, downstream: bool = False, failed_only: bool = False) -> Status:
        """Run a failed or cancelled task again; its status after the call.

        With `downstream` or `failed_only`, see `rewind`.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has not ended, has completed, or depends on one that failed.
        """
        if downstream or failed_only:
            self.rewind(task_id, failed_only=failed_only)
            return self.get(task_id).status
        return self.store.write(control.retry, TaskId(task_id), now=self.clock.now())

    def rewind(self, task_id: int, *, failed_only: bool = False) -> list[TaskId]:
        """Run a task again, completed or not, with all that depends on it; the ids of all these.

        Results, progress, checkpoints and steps of theirs are forgotten, their attempts kept, and
        each gets its `max_attempts` anew. What does not depend on it stays as it is. With
        `failed_only`, only those of them run again that failed or were cancelled, from where
        they stood: what is good stays good.

        Raises:
            TaskNotFoundError: there is no such task.
            TaskStateError: it has not ended, one of them runs, it depends on one that failed, or
                with `failed_only` none has failed.
        """
        return self.store.write(
            rewind, TaskId(task_id), now=self.clock.now(), failed_only=failed_only
        )


def _reopen(location: str, references: Sequence[Reference], emit: Emit) -> TaskQueue:
    queue = TaskQueue(location, emit=emit)
    queue.registry.load(references, location)
    return queue
