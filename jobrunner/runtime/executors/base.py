"""What runs attempts has slots: threads that take one attempt at a time."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from jobrunner.core.outcome import Failed
from jobrunner.core.signals import StopReason
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.perform import one_line

Run = Callable[[Attempt], None]
"""Runs one attempt to its end, in the slot's thread, and reports the end."""

_END: Final = None


class Uncontrolled:
    """For an attempt whose end is reported as soon as it begins: there is nothing to stop."""

    def notice(self, reason: StopReason) -> None:
        """Nothing runs."""

    def terminate(self) -> None:
        """Nothing runs."""

    def kill(self) -> None:
        """Nothing runs."""


class Slots:
    """A fixed number of threads, started as they are needed.

    A thread that cannot be stopped is left behind and replaced, so that no stuck task takes
    a slot away. Threads are daemons: they never keep a process that has ended its work.
    """

    def __init__(self, size: int, name: str) -> None:
        """`size` threads at most work at a time."""
        self._size = size
        self._name = name
        self._work: SimpleQueue[tuple[Run, Attempt] | None] = SimpleQueue()
        self._threads = 0
        self._lock = threading.Lock()

    def submit(self, run: Run, attempt: Attempt) -> None:
        """Have a free thread call `run(attempt)`."""
        attempt.in_slot = True
        self._work.put((run, attempt))
        if self._threads < self._size:
            self.add_thread()

    def add_thread(self) -> None:
        """Start one more thread: the first ones, or in the place of one left behind."""
        with self._lock:
            self._threads += 1
            name = f"{self._name}-{self._threads}"
        threading.Thread(target=self._loop, name=name, daemon=True).start()

    def close(self) -> None:
        """Let threads end when they have nothing left to do."""
        for _ in range(self._threads):
            self._work.put(_END)

    def _loop(self) -> None:
        while work := self._work.get():
            run, attempt = work
            run_to_end(run, attempt)
            if attempt.abandoned:  # another thread has taken this one's place already
                return
            if attempt.retired:  # something was raised into this thread, and may yet come up
                self.add_thread()
                return


def run_to_end(run: Run, attempt: Attempt) -> None:
    """Run an attempt; whatever goes wrong in the executor itself, its end is reported."""
    try:
        run(attempt)
    except Exception as error:  # noqa: BLE001 — a thread that died here would take its slot along
        attempt.begin(Uncontrolled())
        attempt.end(Failed(f"the executor failed: {one_line(error)}"))
