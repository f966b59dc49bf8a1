"""What costs more the more there is, looked up less often then."""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from jobrunner.runtime.clock import Clock

T = TypeVar("T")

A_SECOND: Final = 500_000
"""Rows that are counted in a second, at most: 3 % of a core."""

FREE: Final = 50_000
"""Up to so many rows, everything is looked up whenever it is asked for."""


class Paced(Generic[T]):
    """The answer to one question, as old as its cost allows. Safe to use from any thread."""

    def __init__(
        self, clock: Clock, ask: Callable[[], T], rows: Callable[[T], int], key: Callable[[], str]
    ) -> None:
        """`rows` tells what an answer cost; where `key` has changed, it is no more the answer."""
        self._clock = clock
        self._ask = ask
        self._rows = rows
        self._key = key
        self._lock = threading.Lock()
        self._known: tuple[float, str, T] | None = None

    def get(self) -> tuple[T, bool]:
        """The answer, and whether it is from before."""
        with self._lock:
            if self._known is not None:
                until, key, answer = self._known
                if key == self._key() and self._clock.monotonic() < until:
                    return answer, True
            answer = self._ask()
            rows = self._rows(answer)
            self._known = None
            if rows > FREE:
                until = self._clock.monotonic() + rows / A_SECOND
                self._known = until, self._key(), answer
            return answer, False
