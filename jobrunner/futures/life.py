"""When an executor's threads begin and end: the one that follows futures, and its own worker."""

import atexit
import threading
import weakref
from dataclasses import dataclass
from typing import Final

from jobrunner.core.events import Emit
from jobrunner.futures.following import Following, Home
from jobrunner.futures.open_futures import OpenFutures
from jobrunner.runtime.background import BackgroundWorker
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.options import WorkerOptions
from jobrunner.runtime.registry import Registry
from jobrunner.storage.engine import Database


class Life:
    """Begins with the first call, and ends when it is closed and no future is open any more."""

    def __init__(
        self, queue: Home, futures: OpenFutures, functions: Registry, options: WorkerOptions | None
    ) -> None:
        """`options` are those of its worker, which knows `functions`; `None` for no worker."""
        self._queue = queue
        self._futures = futures
        self._functions = functions
        self._options = options
        self._lock = threading.Lock()
        self._closed: str | None = None
        """Since what it takes no calls any more."""
        self._following: Following | None = None
        self._worker: BackgroundWorker | None = None

    def begun(self) -> Following:
        """Begin if it has not.

        Raises:
            RuntimeError: it is closed.
        """
        with self._lock:
            if self._closed is not None:
                raise RuntimeError(f"cannot schedule new futures after {self._closed}")
            if self._following is None:
                self._following = self._start()
            return self._following

    def close(self) -> None:
        """Take no more calls."""
        with self._lock:
            self._closed = self._closed or "shutdown"

    def finish(self, *, wait: bool) -> None:
        """End once all futures have; `wait` for that."""
        if self._following is not None:
            self._following.finish()
            if wait:
                self._following.join()

    def detach(self) -> None:
        """End now; a second time, without a grace for what runs."""
        self.close()
        if self._following is None:
            return
        self._following.leave("its program has let go")
        if self._worker is not None:
            self._worker.stop("its program lets go")
        self._following.join()

    def _start(self) -> Following:
        queue, database = self._queue, self._queue.database
        following = Following(queue, self._futures, self._end)
        if self._options is not None:
            source = _Source(database, self._functions, queue.clock, queue.emit)
            self._worker = BackgroundWorker(source, self._options, on_end=self._on_worker_end)
            self._worker.start()
        following.start()
        _begun.add(self)
        return following

    def _end(self) -> None:
        """Nobody follows the futures any more: the worker ends, too."""
        with self._lock:
            self._closed = self._closed or "its end"
        if self._worker is not None:
            if not self._worker.is_stopping:
                self._worker.stop("no future is open any more")
            self._worker.join()

    def _on_worker_end(self) -> None:
        with self._lock:  # or it had not begun to follow
            following, worker = self._following, self._worker
        if following is not None and worker is not None and worker.error is not None:
            following.leave(f"its worker has ended: {worker.error}")


@dataclass(frozen=True, slots=True)
class _Source:
    """What an executor's worker has of its queue: all but the functions."""

    database: Database
    registry: Registry
    clock: Clock
    emit: Emit


_begun: Final[weakref.WeakSet[Life]] = weakref.WeakSet()


@atexit.register
def _detach_all() -> None:
    """Programs end without waiting for tasks, which are not lost."""
    for life in list(_begun):
        life.detach()
