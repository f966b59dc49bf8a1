"""Who wants a connection waits in line, except for the threads that keep a worker alive."""

import contextlib
import threading
from collections import deque
from collections.abc import Generator
from typing import Final

SIZE: Final = 20
"""Connections that the threads of one process have at a time, beside those that go first."""

PATIENCE: Final = 30.0
"""Seconds in line."""


class _Thread(threading.local):
    goes_first = False


_thread = _Thread()


@contextlib.contextmanager
def going_first() -> Generator[None]:
    """Let this thread pass every gate at once: a worker's own, which runs no code of a task.

    Its heartbeat must not wait for tasks that are at the database all the time, nor must
    whoever has a connection already.
    """
    before, _thread.goes_first = _thread.goes_first, True
    try:
        yield
    finally:
        _thread.goes_first = before


class NoRoomError(Exception):
    """It was waited long enough."""


class Gate:
    """Lets so many pass at a time, in the order of their coming.

    A pool of connections knows no order: who gives one back takes it again
    (guarded by test_threads_get_connections_in_turn).
    """

    def __init__(self, size: int = SIZE, *, patience: float = PATIENCE) -> None:
        """`patience` is in seconds."""
        self._free = size
        self._patience = patience
        self._line: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def passed(self) -> Generator[None]:
        """Inside for as long as the block lasts.

        Raises:
            NoRoomError: nobody has left in time.
        """
        if _thread.goes_first:
            yield
            return
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._line.append(turn)
        try:
            if turn.wait(self._patience):
                return
        except BaseException:  # a task that is stopped while it waits
            self._step_out(turn)
            raise
        self._step_out(turn)
        raise NoRoomError

    def _step_out(self, turn: threading.Event) -> None:
        with self._lock:
            if turn in self._line:
                self._line.remove(turn)
                return
        self._leave()  # it was given the place in this very moment

    def _leave(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().set()
            else:
                self._free += 1
