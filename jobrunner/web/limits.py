"""How much may be asked for at once: rows, spans, nodes, bytes, requests."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from jobrunner.core.web_errors import TooManyRequestsError

PAGE: Final = 50
"""Rows of a page unless more are asked for."""

LARGEST_PAGE: Final = 500
LONGEST_RANGE: Final = timedelta(days=31)
LARGEST_GRAPH: Final = 500
LARGEST_TIMELINE: Final = 5_000
LARGEST_BATCH: Final = 10_000
"""Tasks of one request."""

LARGEST_BODY: Final = 2 * 1024 * 1024
"""Bytes."""

SLOWEST_BODY: Final = 30.0
"""Seconds until the whole of a body must be there."""

ACTS_A_SECOND: Final = 100.0
ACTS_AT_ONCE: Final = 1_000.0
LOGINS_A_SECOND: Final = 1.0
LOGINS_AT_ONCE: Final = 20.0

PATIENCE: Final = 2.0
"""Seconds to wait for one's turn where only one may go."""

COME_AGAIN: Final = 4.0
"""Seconds after which to come again whoever waited in vain."""

_REMEMBERED: Final = 10_000
"""Names whose buckets are kept."""


class Turns:
    """One at a time: of what takes long and much room, for as much as there is to read."""

    def __init__(self) -> None:
        """It is free."""
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Generator[None]:
        """Wait for it, but not for long: who waits keeps a thread from others.

        Raises:
            TooManyRequestsError: it was not free in time.
        """
        if not self._lock.acquire(timeout=PATIENCE):
            raise TooManyRequestsError(COME_AGAIN)
        try:
            yield
        finally:
            self._lock.release()


class Rates:
    """A bucket for each name, filled at a steady rate: an empty one lets nobody through."""

    def __init__(self, a_second: float, at_once: float, monotonic: Callable[[], float]) -> None:
        """`monotonic` is a steady count of seconds."""
        self._a_second = a_second
        self._at_once = at_once
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Take one out of a bucket.

        Raises:
            TooManyRequestsError: it is empty.
        """
        with self._lock:
            now = self._monotonic()
            left, at = self._buckets.pop(name, (self._at_once, now))
            left = min(self._at_once, left + (now - at) * self._a_second)
            self._buckets[name] = (max(left - 1, 0) if left >= 1 else left, now)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        if left < 1:
            raise TooManyRequestsError((1 - left) / self._a_second)
