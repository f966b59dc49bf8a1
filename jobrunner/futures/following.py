"""The thread that brings futures to their ends, as the database tells them."""

import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from jobrunner.core.errors import DatabaseError, LastingError, TaskNotFoundError
from jobrunner.core.events import Emit
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, TaskSource
from jobrunner.futures.future import DetachedError, TaskFuture
from jobrunner.futures.open_futures import OpenFutures
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.registry import Registry
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import moves, reads
from jobrunner.storage.chunks import chunks
from jobrunner.storage.engine import Database
from jobrunner.storage.futures import standing
from jobrunner.storage.notices import ENDS
from jobrunner.storage.store import Store

LOOK_EVERY: Final = 1.0
"""Seconds after which it looks again even if nothing woke it."""

AT_MOST: Final = 0.2
"""The share of its time that it spends looking: at very many open futures, less often."""

STORING: Final = 0.01
"""Seconds that it waits for calls that are being stored as it ends."""

TROUBLE_PAUSE: Final = 0.5
"""Seconds before a look that failed is tried again."""


class Home(TaskSource, Protocol):
    """What keeps the tasks: a queue."""

    store: Store
    clock: Clock
    registry: Registry
    emit: Emit

    @property
    def database(self) -> Database:
        """Where the tasks are, with its tables in place."""
        ...


class Following:
    """Looks where the tasks of open futures stand, until all have ended or it is told to stop."""

    def __init__(self, queue: Home, futures: OpenFutures, at_end: Callable[[], None]) -> None:
        """`at_end` is called once it looks no more, but for a last time after it."""
        self._queue = queue
        self._futures = futures
        self._at_end = at_end
        self._wakeup: Wakeup | None = None
        self._pausing = threading.Event()
        self._storing = threading.Event()  # never set: whoever stores a call will be done soon
        self._ask_at = 0.0
        self._is_last = False
        self._left: str | None = None
        """Why it has ended before all futures have."""
        self._thread = threading.Thread(target=self._run, name="jobrunner-futures", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def poke(self) -> None:
        """There is something new to look at."""
        if self._wakeup is not None:
            self._wakeup.set()

    def finish(self) -> None:
        """End once no future is open any more."""
        self._is_last = True
        self.poke()

    def leave(self, reason: str) -> None:
        """End now; futures whose tasks have not ended end with a `DetachedError`."""
        self._left = self._left or reason
        self._pausing.set()
        self.poke()

    def join(self) -> None:
        """Wait for the end, unless this thread is the one to wait for: it runs callbacks."""
        if threading.current_thread() is not self._thread and self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._follow()
        except DatabaseError as error:
            self._left = self._left or f"of this: {error}"
        finally:
            self._at_end()
            self._look()
            self._give_up()
            if self._wakeup is not None:
                self._wakeup.close()

    def _follow(self) -> None:
        wakeup = self._wakeup = Wakeup(self._queue.database.watch(ENDS), self._queue.clock)
        while not self._is_over():
            self._pausing.wait(self._look())
            if not self._is_over():
                wakeup.wait(LOOK_EVERY)

    def _is_over(self) -> bool:
        return self._left is not None or (self._is_last and self._futures.are_done)

    def _look(self) -> float:
        """Look at all of them; how many seconds to wait at least before the next time."""
        try:
            return self._bring({future.task_id: future for future in self._futures.all()})
        except LastingError as error:
            self._left = self._left or f"of this: {error}"
        except DatabaseError:
            return TROUBLE_PAUSE
        return 0.0

    def _bring(self, futures: dict[TaskId, TaskFuture[Any]]) -> float:
        if not futures:
            return 0.0
        began = self._queue.clock.monotonic()
        with self._queue.store.reading() as transaction:
            if began >= self._ask_at:  # a database that has moved is read as before
                moves.refuse(transaction, self._queue.database.name)
                self._ask_at = began + LOOK_EVERY
            found = standing(transaction, [*futures])
        took = self._queue.clock.monotonic() - began
        for task_id, future in futures.items():
            self._see(future, found.get(task_id))
        self._end(futures, [task_id for task_id, status in found.items() if status.is_final])
        return took / AT_MOST - took

    def _see(self, future: TaskFuture[Any], status: Status | None) -> None:
        if status is Status.IN_PROGRESS:
            future.begin()
        elif status is None:  # somebody has deleted it
            self._futures.drop(future.task_id)
            future.fail(TaskNotFoundError(future.task_id))

    def _end(self, futures: dict[TaskId, TaskFuture[Any]], ids: list[TaskId]) -> None:
        for some in chunks(ids):
            for task in self._queue.store.read(reads.get_many, some, source=self._queue):
                if task.status.is_final:  # nobody has had it run again in between
                    self._futures.drop(task.id)
                    futures[task.id].end(task)

    def _give_up(self) -> None:
        reason = self._left or "its executor has ended"
        while not self._futures.are_done:
            for future in self._futures.all():
                self._futures.drop(future.task_id)
                future.fail(DetachedError(future.task_id, reason))
            self._storing.wait(STORING)
