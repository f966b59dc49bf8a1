"""Wait for work: woken from within the process, or by the commit of another one."""

import threading
from collections.abc import Callable
from typing import Final

from jobrunner.runtime.clock import Clock
from jobrunner.storage.watch import Watch

SHORTEST: Final = 0.001
LONGEST: Final = 0.005
"""Seconds between two looks at the database; at 5 ms they cost 0.3 s of CPU a minute."""


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
        self._event = threading.Event()
        self._interrupted = interrupted
        watch.call(self.set)

    def set(self) -> None:
        """Wake the waiting thread, from any other."""
        if not self._event.is_set():
            self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long. `True` says that the database has changed."""
        deadline = self._clock.monotonic() + seconds
        pause = SHORTEST
        while True:
            if self._watch.changed():
                self._event.clear()
                return True
            left = deadline - self._clock.monotonic()
            if self._event.wait(min(pause, max(left, 0.0))):
                self._event.clear()
                return self._watch.changed()
            if left <= 0 or self._interrupted():
                return False
            pause = min(pause * 1.5, LONGEST)

    def close(self) -> None:
        """Let go of the database."""
        self._watch.close()
