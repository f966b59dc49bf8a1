"""A clock that stands until it is moved."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from jobrunner.core.fields import check_moment

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What a new clock shows unless it is told: the same in every run of a test."""


class StubClock:
    """Both kinds of time stand until `advance` moves them, by the same amount.

    Give it to a queue: `TaskQueue(path, clock=StubClock())`. Safe to use from any thread.
    """

    def __init__(self, start: datetime = START) -> None:
        """`start` is the moment it shows first, with a time zone.

        Raises:
            InvalidTaskError: `start` has no time zone.
        """
        check_moment("start", start)
        self._start = start.astimezone(UTC)
        self._passed = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The moment it shows, UTC."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Seconds by which it was moved."""
        return self._passed.total_seconds()

    def advance(self, span: timedelta | float) -> datetime:
        """Move on by a timedelta or seconds; returns the new moment.

        Raises:
            ValueError: the span is negative: monotonic time never goes back.
        """
        span = span if isinstance(span, timedelta) else timedelta(seconds=span)
        if span < timedelta():
            raise ValueError(f"a clock moves forward, not by {span.total_seconds():g} s")
        with self._lock:
            self._passed += span
            return self.now()
