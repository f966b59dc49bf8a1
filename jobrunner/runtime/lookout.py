"""When looking for work is worth a transaction."""

from typing import Final

from jobrunner.runtime.clock import Clock
from jobrunner.runtime.settler import Turn

POLL_EVERY: Final = 1.0
"""Seconds after which an idle worker looks for work even if nothing woke it."""


class Lookout:
    """Remembers that a claim found all there was, until something changes or is due."""

    def __init__(self, clock: Clock) -> None:
        """There may be work."""
        self._clock = clock
        self._look_at = 0.0
        self._found_nothing = False
        self._ask_at = 0.0

    def saw(self, turn: Turn) -> None:
        """A claim was made, and this is what it found."""
        self._found_nothing = not turn.leases
        if not turn.drained:
            self._look_at = 0.0
            return
        pause = POLL_EVERY
        if turn.next_due is not None:
            until_due = (turn.next_due - self._clock.now()).total_seconds()
            pause = max(0.0, min(pause, until_due))
        self._look_at = self._clock.monotonic() + pause

    def woken(self) -> None:
        """Somebody changed the database."""
        self._look_at = 0.0

    def is_due(self, now: float) -> bool:
        """Whether there may be something to claim."""
        return now >= self._look_at

    def next_look(self, now: float) -> float:
        """When to look again, by the monotonic clock."""
        return self._look_at if self._look_at > now else now + POLL_EVERY

    def found_nothing(self, now: float) -> bool:
        """Whether the last claim came back empty; told once for each claim.

        Told at the pace of idle looks too while one is due and none is made: an engine without
        room has nothing claimed, and the work may be done all the same.
        """
        found, self._found_nothing = self._found_nothing, False
        if not self.is_due(now) or now < self._ask_at:
            return found
        self._ask_at = now + POLL_EVERY
        return True
