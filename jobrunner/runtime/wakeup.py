"""Wait for work: woken from within the process, or by the commit of another one."""

import os
import select
import threading
from collections.abc import Callable
from typing import Final

from jobrunner.runtime.clock import Clock
from jobrunner.storage.watch import Watch

_ENOUGH: Final = 4096
"""Bytes that are read at once; what is left of them wakes once more."""


class Wakeup:
    """Waits for a signal of this process or a change of the database, whichever is first."""

    def __init__(
        self, watch: Watch, clock: Clock, *, interrupted: Callable[[], bool] = lambda: False
    ) -> None:
        """`watch` belongs to this wake-up from now on.

        `interrupted` is asked at every look, and ends a wait: for what a signal handler has
        noted, which must take no lock.
        """
        self._watch = watch
        self._clock = clock
        self._interrupted = interrupted
        self._is_set = False
        self._setting = threading.Lock()
        self._read, self._write = os.pipe()
        self._news = select.poll()
        for descriptor in (self._read, watch.descriptor):
            if descriptor is not None:
                self._news.register(descriptor, select.POLLIN)
        watch.call(self.set)

    def set(self) -> None:
        """Wake the waiting thread, from any other."""
        if self._is_set:
            return
        with self._setting:  # or it were closed meanwhile, and another file had its number
            if not self._is_set:
                self._is_set = True
                os.write(self._write, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait at most so long. `True` says that the database has changed."""
        deadline = self._clock.monotonic() + seconds
        pause, longest = self._watch.pauses
        while True:
            if self._watch.changed():
                self._take_news(0.0)
                return True
            left = deadline - self._clock.monotonic()
            if told := self._take_news(min(pause, max(left, 0.0))):
                return self._watch.changed() or self._watch.descriptor in told
            if left <= 0 or self._interrupted():
                return False
            pause = min(pause * 1.5, longest)

    def _take_news(self, within: float) -> list[int]:
        """Wait for news, and take it; what has told of some."""
        ready = [descriptor for descriptor, _ in self._news.poll(within * 1e3)]
        for descriptor in ready:
            os.read(descriptor, _ENOUGH)
        self._is_set = False
        return ready

    def close(self) -> None:
        """Let go of the database; to set it has no effect any more."""
        with self._setting:
            self._is_set = True
            os.close(self._read)
            os.close(self._write)
        self._watch.close()
