"""A worker in a thread, beside what else its program does."""

import threading
from collections.abc import Callable

from jobrunner.core.events import WorkerTrouble
from jobrunner.core.task import WorkerId
from jobrunner.runtime.options import Source, WorkerOptions
from jobrunner.runtime.worker import Worker


def _nothing() -> None:
    """Nobody wants to know."""


class BackgroundWorker:
    """Works from `start` on until it is told to stop. Its thread keeps no program from ending."""

    def __init__(
        self, queue: Source, options: WorkerOptions, *, on_end: Callable[[], None] = _nothing
    ) -> None:
        """`on_end` is called when it has ended."""
        self.is_stopping = False
        self._worker = Worker(queue, options)
        self.error: Exception | None = None
        """What has ended it, if nobody has told it to."""
        self._emit = queue.emit
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name="jobrunner-worker", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, reason: str) -> None:
        """Ask for a graceful end; a second time, for an end at once."""
        self.is_stopping = True
        self._worker.stop(reason)

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._worker.run()
        except Exception as error:  # noqa: BLE001 — told here, for there is nobody above
            self.error = error
            self._emit(WorkerTrouble(WorkerId("background"), f"it has ended: {error}"))
        finally:
            self._on_end()
