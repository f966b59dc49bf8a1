"""The attempts a worker has in hand: started, watched, stopped, and collected as they end."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from jobrunner.core.outcome import Ended
from jobrunner.core.signals import StopReason
from jobrunner.core.task import Lease, TaskId, Token
from jobrunner.runtime.attempt import Attempt, steps_for
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.executors.dispatch import Executors
from jobrunner.runtime.options import WorkerOptions

Key = tuple[TaskId, Token]
"""One claim of one task: after it was lost and claimed again, a task may be in hand twice."""


HELD_AT_MOST: Final = 0.5
"""Seconds after which what was claimed ahead and has not started is given back."""


class InHand:
    """Attempts from their claim until their end is collected. Used by one thread, the worker's.

    Executors report ends from their own threads; `wake` is called then.
    """

    def __init__(
        self, executors: Executors, options: WorkerOptions, clock: Clock, wake: Callable[[], None]
    ) -> None:
        """`options` give the graces of a stop."""
        self._executors = executors
        self._options = options
        self._clock = clock
        self._wake = wake
        self._attempts: dict[Key, Attempt] = {}
        self._timed: set[Key] = set()
        self._stopping: set[Key] = set()
        self._ends: deque[tuple[Attempt, Ended]] = deque()

    def __len__(self) -> int:
        """How many are not collected yet."""
        return len(self._attempts)

    @property
    def leases(self) -> list[Lease]:
        """What has not ended, as far as it is collected."""
        return [attempt.lease for attempt in self._attempts.values()]

    def start(self, leases: Sequence[Lease]) -> None:
        """Hand claimed tasks to the executors."""
        for lease in leases:
            attempt = Attempt(lease, clock=self._clock, on_end=self._on_end)
            self._attempts[_key(lease)] = attempt
            if lease.timeout is not None:
                self._timed.add(_key(lease))
            self._executors.submit(attempt)

    def _on_end(self, attempt: Attempt, ended: Ended) -> None:
        self._ends.append((attempt, ended))
        self._wake()

    def collect(self) -> list[tuple[Attempt, Ended]]:
        """Take over what has ended since the last call."""
        collected: list[tuple[Attempt, Ended]] = []
        while self._ends:
            attempt, ended = self._ends.popleft()
            key = _key(ended.lease)
            del self._attempts[key]
            self._timed.discard(key)
            self._stopping.discard(key)
            if attempt.abandoned:
                self._executors.replace(attempt)
            collected.append((attempt, ended))
        return collected

    def stop(self, task_id: TaskId, reason: StopReason, now: float) -> None:
        """Have the attempts at a task ended, if there are any."""
        self._stop([key for key in self._attempts if key[0] == task_id], reason, now)

    def stop_all(self, reason: StopReason, now: float) -> None:
        """Have every attempt ended."""
        self._stop(list(self._attempts), reason, now)

    def _stop(self, keys: Iterable[Key], reason: StopReason, now: float) -> None:
        steps = steps_for(
            reason,
            kill_grace=self._options.kill_grace,
            shutdown_grace=self._options.shutdown_grace,
        )
        for key in keys:
            self._stopping.add(key)
            self._attempts[key].stop(reason, steps, now)

    def advance(self, now: float) -> None:
        """Begin the stops that are due, and take their next steps."""
        overdue = [key for key in self._timed if _passed(self._attempts[key].deadline, now)]
        self._timed.difference_update(overdue)
        self._stop(overdue, StopReason.TIMEOUT, now)
        for key in list(self._stopping):
            self._attempts[key].advance(now)
        self._give_back_ahead(now)

    def _give_back_ahead(self, now: float) -> None:
        """Fast tasks were expected and slow ones came: others may have the rest."""
        if len(self._attempts) <= self._options.slots:
            return
        for attempt in islice(list(self._attempts.values()), self._options.slots, None):
            if now - attempt.claimed_at < HELD_AT_MOST:
                break
            attempt.give_back()

    def next_step(self) -> float | None:
        """When `advance` has something to do next, by the monotonic clock."""
        now = self._clock.monotonic()
        moments = [_deadline(self._attempts[key], now) for key in self._timed]
        moments += [self._attempts[key].next_step() for key in self._stopping]
        if len(self._attempts) > self._options.slots:
            moments.append(now + HELD_AT_MOST)
        return min((moment for moment in moments if moment is not None), default=None)


def _key(lease: Lease) -> Key:
    return lease.task_id, lease.token


def _deadline(attempt: Attempt, now: float) -> float | None:
    """The deadline, or for an attempt that has not begun the earliest it can have."""
    timeout = attempt.lease.timeout
    return attempt.deadline or (now + timeout.total_seconds() if timeout else None)


def _passed(moment: float | None, now: float) -> bool:
    return moment is not None and now >= moment
