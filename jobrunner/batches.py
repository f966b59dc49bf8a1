"""`queue.batches`: tasks that belong together, and what runs once all of them have ended."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Protocol, Self, Unpack

from jobrunner.core import payload
from jobrunner.core.batch import Batch, Callbacks, NoBatchError, check_new, given
from jobrunner.core.new_task import NewTask
from jobrunner.core.task import Task, TaskId, TaskSource
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.context import context
from jobrunner.runtime.registry import Registry
from jobrunner.storage import batches, reads
from jobrunner.storage.store import Store


class Keeper(TaskSource, Protocol):
    """What keeps the tasks: a queue."""

    store: Store
    clock: Clock

    @property
    def registry(self) -> Registry:
        """The functions there are."""
        ...


class Batches:
    """The batches of a queue."""

    def __init__(self, queue: Keeper) -> None:
        """`queue` is where the tasks go."""
        self._queue = queue

    def enqueue(
        self,
        tasks: Iterable[NewTask[Any]],
        *,
        description: str = "",
        **callbacks: Unpack[Callbacks],
    ) -> Batch:
        """Store tasks as a batch with its callbacks, in one transaction: all of it or nothing.

        `on_success` runs when all have completed, `on_failure` when all have ended and one did
        not complete, `on_end` in any case. Callbacks are tasks like any other.

        Raises:
            InvalidTaskError: a task cannot be stored.
            UnknownFunctionError: functions are registered here, but none of that name.
        """
        return self.get(self.enqueue_ids(tasks, description=description, **callbacks)[0])

    def enqueue_ids(
        self,
        tasks: Iterable[NewTask[Any]],
        *,
        description: str = "",
        **callbacks: Unpack[Callbacks],
    ) -> tuple[int, list[TaskId]]:
        """Like `enqueue`: returns the id of the batch, and those of its members and callbacks."""
        members = list(tasks)
        payload.check_text(description, what="description")
        self._check(members, callbacks)
        batch_id, rows = self._queue.store.write(
            batches.create, members, callbacks, description=description, now=self._queue.clock.now()
        )
        return batch_id, [row["id"] for row in rows]

    def add(self, tasks: Iterable[NewTask[Any]], batch_id: int | None = None) -> list[TaskId]:
        """Have a batch that has not ended grow; without an id, that of the task that runs here.

        Returns the ids. A member that may be tried again adds its tasks again, unless they are
        unique or it does so in a step or transaction of its own.

        Raises:
            BatchNotFoundError: there is no such batch.
            BatchEndedError: all of its members have ended.
            NoBatchError: the task that runs here is of no batch.
            InvalidTaskError: a task cannot be stored; none was.
        """
        members = list(tasks)
        if batch_id is None:
            batch_id = self._of(context.task_id)
        self._check(members, {})
        now = self._queue.clock.now()
        rows = self._queue.store.write(batches.add, batch_id, members, now=now)
        return [row["id"] for row in rows]

    def get(self, batch_id: int) -> Batch:
        """Read a batch as it is now.

        Raises:
            BatchNotFoundError: there is no such batch.
        """
        return self._queue.store.read(batches.get, batch_id)

    def find(self, *, before: int | None = None, limit: int = 50) -> list[Batch]:
        """The newest batches, newest first; `before` goes on below an id."""
        return self._queue.store.read(batches.find, before=before, limit=limit)

    def callbacks(self, batch: Batch) -> list[Task[Any]]:
        """The callbacks of a batch that are still stored."""
        ids = [batch.on_success, batch.on_failure, batch.on_end]
        wanted = [task_id for task_id in ids if task_id is not None]
        return self._queue.store.read(reads.get_many, wanted, source=self._queue)

    def _of(self, task_id: int) -> int:
        found = self._queue.store.read(batches.of_task, task_id)
        if found is None:
            raise NoBatchError(task_id)
        return found

    def _check(self, members: list[NewTask[Any]], callbacks: Callbacks) -> None:
        new = [*members, *given(callbacks).values()]
        check_new(new, ())
        self._queue.registry.require({task.function for task in new if task.function})
        self._queue.store.database.reserve.refuse_when_low()


class OpenBatch:
    """Collects the members of a batch that is stored when the block ends without an error."""

    def __init__(self, home: Batches, description: str, callbacks: Callbacks) -> None:
        """Nothing is stored yet."""
        self.stored: Batch | None = None
        """The batch as it was stored, once the block has ended."""
        self._home = home
        self._description = description
        self._callbacks = callbacks
        self._members: list[NewTask[Any]] = []

    def add(self, *tasks: NewTask[Any]) -> None:
        """Have these tasks in it."""
        self._members += tasks

    def __enter__(self) -> Self:
        """Begin to collect."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store all of it, or after an error nothing."""
        if kind is None:
            self.stored = self._home.enqueue(
                self._members, description=self._description, **self._callbacks
            )
