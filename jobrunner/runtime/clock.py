"""The only reader of time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Final, Protocol

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.types import EPOCH

ASK_EVERY: Final = 30.0
"""Seconds between two looks at another clock."""

QUICK: Final = 0.05
ASKED_AT_MOST: Final = 3
"""An answer that took longer than this many seconds is asked for again, so many times in all."""


class Clock(Protocol):
    """Two kinds of time: moments to store and show, and a steady count to measure by."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that no clock adjustment moves."""
        ...


class SystemClock:
    """This machine's clocks."""

    def now(self) -> datetime:
        """The present moment, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that no clock adjustment moves."""
        return time.monotonic()


class SharedClock:
    """The clock of a database's server, so that all hosts agree; without one, this machine's."""

    def __init__(self, ask: Callable[[], datetime | None]) -> None:
        """`ask` tells the server's present moment, `None` where there is no server."""
        self._ask = ask
        self._ask_at = 0.0
        self._ahead: timedelta | None = None  # of the epoch of the monotonic clock

    def now(self) -> datetime:
        """The present moment, UTC.

        Asked for now and then, and counted on from there: within half a round trip of the truth,
        the quickest of a few where one was kept waiting.

        Raises:
            DatabaseError: the server has never told.
        """
        if self.monotonic() >= self._ask_at:
            try:
                self._set()
            except DatabaseError:
                if self._ahead is None:
                    raise
                # Not at every call: each would wait for the server.
                self._ask_at = self.monotonic() + ASK_EVERY
        if self._ahead is None:
            return datetime.now(UTC)
        return EPOCH + self._ahead + timedelta(seconds=self.monotonic())

    def _set(self) -> None:
        took, ahead = self._asked()
        for _ in range(1, ASKED_AT_MOST):
            if took <= QUICK:
                break
            took, ahead = min((took, ahead), self._asked(), key=itemgetter(0))
        self._ask_at = self.monotonic() + ASK_EVERY
        self._ahead = ahead

    def _asked(self) -> tuple[float, timedelta | None]:
        """How long the answer took, and by it how far the server's clock is ahead."""
        before = self.monotonic()
        if self._ahead is not None:  # the others go on with what is known
            self._ask_at = before + ASK_EVERY
        told = self._ask()
        after = self.monotonic()
        ahead = None if told is None else told - EPOCH - timedelta(seconds=(before + after) / 2)
        return after - before, ahead

    def monotonic(self) -> float:
        """Seconds that no clock adjustment moves."""
        return time.monotonic()
