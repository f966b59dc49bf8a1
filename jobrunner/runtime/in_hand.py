"""The attempts a worker has in hand: started, watched, stopped, and collected as they end."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from jobrunner.core.outcome import Ended
from jobrunner.core.signals import StopReason
from jobrunner.core.task import Lease, TaskId
from jobrunner.runtime.attempt import Attempt, steps_for
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.executors.dispatch import Executors
from jobrunner.runtime.instant import Instant
from jobrunner.runtime.options import WorkerOptions

HELD_AT_MOST: Final = 0.5
"""Seconds after which what was claimed ahead and has not started is given back."""

GATHER: Final = 0.01
"""Seconds for which ends wait for others to share their transaction, where the slots have more to
do: of commands of a millisecond each, every second end would have one of its own."""

ENOUGH: Final = 16
"""Ends that wait for no more: tasks that are over sooner than that need the next claim early."""

MANY: Final = 200
"""Tasks of one claim that may be kept back: so many are claimed of those only that take less than
the settlement they wait for."""


class InHand:
    """Attempts from their claim until their end is collected. Used by one thread, the worker's.

    Executors report ends from their own threads; `wake` is called then.
    """

    def __init__(
        self,
        executors: Executors,
        options: WorkerOptions,
        clock: Clock,
        wake: Callable[[], None],
        *,
        overlaps: bool = False,
    ) -> None:
        """`options` give the graces of a stop.

        With `overlaps`, the next transaction may be left to hand out what was claimed.
        """
        self._executors = executors
        self._overlaps = overlaps
        self._options = options
        self._slots = options.slots
        self._clock = clock
        self._wake = wake
        self._attempts: dict[Attempt, None] = {}  # in the order of their claims
        self._kept: list[Attempt] = []
        self._timed: set[Attempt] = set()
        self._stopping: set[Attempt] = set()
        self._ends: deque[tuple[Attempt, Ended]] = deque()
        self._gather_until = 0.0
        self._gathering = False

    def __len__(self) -> int:
        """How many are not collected yet."""
        return len(self._attempts)

    @property
    def leases(self) -> list[Lease]:
        """What has not ended, as far as it is collected."""
        return [attempt.lease for attempt in self._attempts]

    def resize(self, slots: int) -> None:
        """So many run at a time from now on."""
        self._slots = slots

    def give_back(self) -> None:
        """Let go of all that was claimed and has not started."""
        for one in list(self._attempts):
            one.give_back()

    def start(self, leases: Sequence[Lease]) -> None:
        """Take claimed tasks in hand, and hand them to the executors.

        Many not yet, where the next transaction begins at once because others have ended. Fast
        tasks would keep the interpreter from it while it prepares what the server is to do, and
        be over when the server begins: each would wait for the other.
        """
        now = Instant.now(self._clock)
        for lease in leases:
            attempt = Attempt(lease, clock=self._clock, on_end=self._on_end, claimed_at=now)
            self._attempts[attempt] = None
            if lease.timeout is not None:
                self._timed.add(attempt)
            self._kept.append(attempt)
        if not (self._overlaps and len(leases) >= MANY and len(self._ends) >= ENOUGH):
            self.hand_out()

    def hand_out(self) -> None:
        """Hand the executors what was kept back."""
        kept, self._kept = self._kept, []
        for attempt in kept:
            if not attempt.over:
                self._executors.submit(attempt)

    def _on_end(self, attempt: Attempt, ended: Ended) -> None:
        self._ends.append((attempt, ended))
        if not (self._gathering and self._has_more()):
            self._wake()

    def _has_more(self) -> bool:
        """Whether few have ended, and no slot is free, nor will be with the next end."""
        ended = len(self._ends)
        return ended < ENOUGH and len(self._attempts) - ended > self._slots

    def collect(self, *, all_of_it: bool = False) -> list[tuple[Attempt, Ended]]:
        """Take over what has ended since the last call; not yet, where more is to gather."""
        now = self._clock.monotonic()
        more_to_come = now < self._gather_until and self._has_more()
        self._gathering = bool(self._ends) and more_to_come and not all_of_it
        if self._gathering:
            return []
        if self._ends:
            self._gather_until = now + GATHER if len(self._ends) < ENOUGH else now
        collected: list[tuple[Attempt, Ended]] = []
        while self._ends:
            attempt, ended = self._ends.popleft()
            del self._attempts[attempt]
            self._timed.discard(attempt)
            self._stopping.discard(attempt)
            if attempt.abandoned:
                self._executors.replace(attempt)
            collected.append((attempt, ended))
        return collected

    def stop(self, task_id: TaskId, reason: StopReason, now: float) -> None:
        """Have the attempts at a task ended, if there are any."""
        mine = [attempt for attempt in self._attempts if attempt.lease.task_id == task_id]
        self._stop(mine, reason, now)

    def stop_all(self, reason: StopReason, now: float) -> None:
        """Have every attempt ended."""
        self._stop(list(self._attempts), reason, now)

    def _stop(self, attempts: Iterable[Attempt], reason: StopReason, now: float) -> None:
        steps = steps_for(
            reason,
            kill_grace=self._options.kill_grace,
            shutdown_grace=self._options.shutdown_grace,
        )
        for attempt in attempts:
            self._stopping.add(attempt)
            attempt.stop(reason, steps, now)

    def advance(self, now: float) -> None:
        """Begin the stops that are due, and take their next steps."""
        overdue = [attempt for attempt in self._timed if _passed(attempt.deadline, now)]
        self._timed.difference_update(overdue)
        self._stop(overdue, StopReason.TIMEOUT, now)
        for attempt in list(self._stopping):
            attempt.advance(now)
        self._give_back_ahead(now)

    def _give_back_ahead(self, now: float) -> None:
        """Fast tasks were expected and slow ones came: others may have the rest."""
        if len(self._attempts) <= self._slots:
            return
        for attempt in islice(list(self._attempts), self._slots, None):
            if now - attempt.claimed_at.monotonic < HELD_AT_MOST:
                break
            attempt.give_back()

    def next_step(self) -> float | None:
        """When `advance` has something to do next, by the monotonic clock."""
        now = self._clock.monotonic()
        moments = [_deadline(attempt, now) for attempt in self._timed]
        moments += [attempt.next_step() for attempt in self._stopping]
        if len(self._attempts) > self._slots:
            moments.append(now + HELD_AT_MOST)
        if self._gathering:
            moments.append(self._gather_until)
        return min((moment for moment in moments if moment is not None), default=None)


def _deadline(attempt: Attempt, now: float) -> float | None:
    """The deadline, or for an attempt that has not begun the earliest it can have."""
    timeout = attempt.lease.timeout
    return attempt.deadline or (now + timeout if timeout else None)


def _passed(moment: float | None, now: float) -> bool:
    return moment is not None and now >= moment
