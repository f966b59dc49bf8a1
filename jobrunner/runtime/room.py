"""How much a worker should claim: its free slots, and a little ahead for fast tasks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from jobrunner.core.outcome import Ended
from jobrunner.core.task import Lease
from jobrunner.runtime.settler import Want

AHEAD_SECONDS: Final = 0.05
"""What is claimed ahead should start within so long, by the run times measured so far."""

AHEAD_AT_MOST: Final = 1_000
"""Tasks of one claim; where the slots work while a server does, they have as many in hand."""

HEAD_EVERY: Final = 0.5
"""Seconds after which a claim waits for free slots, so that tasks that crashed get their turn."""

_WEIGHT: Final = 0.05


class Room:
    """Counts what is in hand, measures how long tasks run, and says what to claim."""

    def __init__(
        self, concurrency: int, limits: Mapping[str, int | None], *, overlaps: bool = False
    ) -> None:
        """`limits` are the queues to serve with their own limits; none means all queues.

        `overlaps` says that tasks run while others are claimed, which then must be more.
        """
        self._concurrency = concurrency
        self._rounds = 2 if overlaps else 1
        self._limits = dict(limits)
        self._in_hand: Counter[str] = Counter()
        self._total = 0
        self._mean = AHEAD_SECONDS  # of a few fast tasks we do not conclude that all are fast
        self._head_at = 0.0

    def resize(self, concurrency: int) -> None:
        """So many run at a time from now on."""
        self._concurrency = concurrency

    def take(self, leases: Sequence[Lease]) -> None:
        """Tasks were claimed."""
        self._in_hand.update(lease.queue for lease in leases)
        self._total += len(leases)

    def give(self, ended: Ended) -> None:
        """A task has ended, or was given back before it started."""
        self._in_hand[ended.lease.queue] -= 1
        self._total -= 1
        if ended.started_at is None:  # what we thought of the others' speed is wrong
            self._mean = max(self._mean, AHEAD_SECONDS)
        else:
            ran = (ended.ended_at - ended.started_at) / 1e6
            self._mean += _WEIGHT * (ran - self._mean)

    def wants(self, now: float, *, at_most: int | None = None) -> list[Want]:
        """What to claim now; nothing where it is not worth a transaction."""
        free = max(0, self._concurrency - self._total)
        if at_most is not None:
            free = min(free, max(0, at_most))  # one that took more after a doubtful COMMIT
        limited = any(limit is not None for limit in self._limits.values())
        if limited:
            return self._limited(free)
        ahead = 0 if at_most is not None else self._ahead(now, free)
        if free:
            self._head_at = now
        return [Want(tuple(self._limits), free, ahead)] if free or ahead else []

    def _ahead(self, now: float, free: int) -> int:
        depth = int(self._concurrency * AHEAD_SECONDS / max(self._mean, 1e-6))
        depth = min(depth, self._rounds * AHEAD_AT_MOST)
        if depth <= self._concurrency or (not free and now - self._head_at > HEAD_EVERY):
            return 0
        missing = depth - max(0, self._total - self._concurrency)
        enough = free or missing > depth // 2 // self._rounds
        return min(missing, AHEAD_AT_MOST) if enough else 0

    def _limited(self, free: int) -> "list[Want]":
        wants: list[Want] = []
        plain = tuple(queue for queue, limit in self._limits.items() if limit is None)
        for queue, limit in self._limits.items():
            if limit is not None:
                room = min(free, max(0, limit - self._in_hand[queue]))
                free -= room
                if room:
                    wants.append(Want((queue,), room))
        if plain and free:
            wants.append(Want(plain, free))
        return wants
