"""One moment, by the clock that is stored and by the one that measures."""

from typing import NamedTuple

from jobrunner.runtime.clock import Clock
from jobrunner.storage.types import micros


class Instant(NamedTuple):
    """`micros` are microseconds since the epoch, `monotonic` seconds that no adjustment moves."""

    monotonic: float
    micros: int

    @classmethod
    def now(cls, clock: Clock) -> "Instant":
        """The present one."""
        return cls(clock.monotonic(), micros(clock.now()))

    def micros_at(self, monotonic: float) -> int:
        """Another moment, as stored: no step of the wall clock in between makes a run longer."""
        return self.micros + int((monotonic - self.monotonic) * 1e6)
