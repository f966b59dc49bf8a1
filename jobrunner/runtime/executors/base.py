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
_LOOK: Final = ()
"""Has a thread look whether there are too many of them."""


class Uncontrolled:
    """For an attempt whose end is reported as soon as it begins: there is nothing to stop."""

    def notice(self, reason: StopReason) -> None:
        """Nothing runs."""

    def terminate(self) -> None:
        """Nothing runs."""

    def kill(self) -> None:
        """Nothing runs."""


class Slots:
    """A number of threads, started as they are needed; it may be changed while they work.

    A thread that cannot be stopped is left behind and replaced, so that no stuck task takes
    a slot away. Threads are daemons: they never keep a process that has ended its work.
    """

    def __init__(self, size: int, name: str, *, at_end: Callable[[], None] = lambda: None) -> None:
        """`size` threads at most work at a time; `at_end` is called in one too many."""
        self._size = size
        self._name = name
        self._at_end = at_end
        self._work: SimpleQueue[tuple[Run, Attempt] | tuple[()] | None] = SimpleQueue()
        self._threads = 0
        self._started = 0
        self._lock = threading.Lock()

    def submit(self, run: Run, attempt: Attempt) -> None:
        """Have a free thread call `run(attempt)`."""
        attempt.in_slot = True
        self._work.put((run, attempt))
        if self._threads < self._size:
            self._grow(1)

    def resize(self, size: int) -> None:
        """Let so many work at a time. What runs is not touched: its thread ends after it."""
        with self._lock:
            self._size = size
            too_many = self._threads - size
        for _ in range(too_many):
            self._work.put(_LOOK)  # or one that waits for work would not see it
        self._grow(self._work.qsize())

    def _grow(self, by: int) -> None:
        """Start threads for so much more work, as far as there may be more."""
        with self._lock:
            more = max(0, min(by, self._size - self._threads))
            self._threads += more
        for _ in range(more):
            self.replace_thread()

    def replace_thread(self) -> None:
        """Start a thread in the place of one left behind."""
        with self._lock:
            self._started += 1
            name = f"{self._name}-{self._started}"
        threading.Thread(target=self._loop, name=name, daemon=True).start()

    def close(self) -> None:
        """Let threads end when they have nothing left to do."""
        for _ in range(self._threads):
            self._work.put(_END)

    def _loop(self) -> None:
        while not self._is_one_too_many() and (work := self._work.get()) is not None:
            if not work:
                continue
            run, attempt = work
            run_to_end(run, attempt)
            if attempt.abandoned:  # another thread has taken this one's place already
                return
            if attempt.retired:  # something was raised into this thread, and may yet come up
                self.replace_thread()
                return

    def _is_one_too_many(self) -> bool:
        """Whether the thread that asks is to end; it counts no more then."""
        if self._threads <= self._size:  # as ever: no lock for each attempt
            return False
        with self._lock:
            is_too_many = self._threads > self._size
            self._threads -= is_too_many
        if is_too_many:
            self._at_end()
        return is_too_many


def run_to_end(run: Run, attempt: Attempt) -> None:
    """Run an attempt; whatever goes wrong in the executor itself, its end is reported."""
    try:
        run(attempt)
    except Exception as error:  # noqa: BLE001 — a thread that died here would take its slot along
        attempt.begin(Uncontrolled())
        attempt.end(Failed(f"the executor failed: {one_line(error)}"))
