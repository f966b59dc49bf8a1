"""How the counts stood in the last hour, as far as somebody has looked."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from jobrunner.core.status import Status

STEP: Final = timedelta(minutes=1)
STEPS: Final = 60


class Gauges:
    """The last counts of each minute of an hour. Safe in any number of threads."""

    def __init__(self) -> None:
        """Nobody has looked yet."""
        self._lock = threading.Lock()
        self._seen: dict[int, Mapping[Status, int]] = {}

    def note(self, at: datetime, counts: Mapping[Status, int]) -> None:
        """Somebody has looked."""
        minute = _minute(at)
        with self._lock:
            self._seen[minute] = counts
            if len(self._seen) > 2 * STEPS:
                self._seen = {at: of for at, of in self._seen.items() if at > minute - STEPS}

    def values(self, status: Status, now: datetime) -> list[int]:
        """A count a minute, oldest first; a minute that nobody saw is as the one before it.

        It begins with the first that somebody saw, and there is none with less than two.
        """
        last = _minute(now)
        with self._lock:
            known = {at: counts for at, counts in self._seen.items() if last - STEPS < at <= last}
        values: list[int] = []
        for minute in range(min(known, default=last + 1), last + 1):
            values.append(known[minute][status] if minute in known else values[-1])
        return values if len(values) > 1 else []


def _minute(at: datetime) -> int:
    return int(at.timestamp() // STEP.total_seconds())
