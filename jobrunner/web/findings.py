"""What may be wrong with the installation, looked at now and then, for pages that must not wait."""

import threading
from collections.abc import Sequence
from typing import Final

from jobrunner.core.finding import Finding, Level
from jobrunner.task_queue import TaskQueue

EVERY: Final = 60.0
"""Seconds after which it is looked at again, if somebody asks."""

REST: Final = 100
"""What took long is looked at again after so many times that: a large file is read through."""


class Findings:
    """Safe in any number of threads."""

    def __init__(self, queue: TaskQueue) -> None:
        """Nothing is looked at yet."""
        self._queue = queue
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._until = float("-inf")
        self._found: Sequence[Finding] = ()

    def known(self) -> Sequence[Finding]:
        """What was found last; if that is long ago, a thread looks anew meanwhile."""
        if self._is_due():
            self._look_meanwhile()
        return self._found

    def all(self) -> Sequence[Finding]:
        """What is found, not older than a minute, or than it may be for what it costs."""
        with self._lock:
            if self._is_due():
                began = self._queue.clock.monotonic()
                self._until = began + EVERY
                self._found = tuple(self._queue.examine())
                took = self._queue.clock.monotonic() - began
                self._until = began + max(EVERY, REST * took)
            return self._found

    def trouble(self) -> Sequence[Finding]:
        """What is known to be wrong."""
        return [one for one in self.known() if one.level is not Level.OK]

    def close(self, timeout: float) -> None:
        """Look no more; wait so many seconds for a look that goes on."""
        self._until = float("inf")
        if self._thread is not None:
            self._thread.join(timeout)

    def _look_meanwhile(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self.all, name="jobrunner-findings", daemon=True
                )
                self._thread.start()

    def _is_due(self) -> bool:
        return self._queue.clock.monotonic() >= self._until
