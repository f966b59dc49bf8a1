"""How long somebody waits: the client's only reader of time."""

import threading
import time
from typing import Final

PAUSES: Final = (0.1, 0.3, 0.9, 2.7)
"""Seconds between two attempts to reach a server."""


class Patience:
    """A time to wait in, from now on; without end if it is `None`."""

    def __init__(self, seconds: float | None) -> None:
        """It begins now."""
        self.seconds = seconds
        self._began = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds that have passed."""
        return time.monotonic() - self._began

    def left(self, most: float) -> float:
        """Seconds that are left, so many at most; none or less when it is over."""
        return most if self.seconds is None else min(most, self.seconds - self.spent)

    @property
    def is_over(self) -> bool:
        """Whether it has run out."""
        return self.left(1.0) <= 0


def rest(ended: threading.Event, seconds: float) -> bool:
    """Wait so long; `False` at once when it has ended meanwhile."""
    return not ended.wait(seconds)
