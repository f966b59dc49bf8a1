"""The attempts a worker has in hand: started, watched, stopped, and collected as they end."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from jobrunner.core.outcome import Ended
from jobrunner.core.signals import StopReason
from jobrunner.core.task import Lease, TaskId
from jobrunner.runtime.attempt import Attempt, steps_for
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.executors.dispatch import Executors
from jobrunner.runtime.options import WorkerOptions


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
        self._attempts: dict[TaskId, Attempt] = {}
        self._timed: set[TaskId] = set()
        self._stopping: set[TaskId] = set()
        self._ends: deque[tuple[Attempt, Ended]] = deque()

    def __len__(self) -> int:
        """How many are not collected yet."""
        return len(self._attempts)

    def start(self, leases: Sequence[Lease]) -> None:
        """Hand claimed tasks to the executors."""
        for lease in leases:
            attempt = Attempt(lease, clock=self._clock, on_end=self._on_end)
            self._attempts[lease.task_id] = attempt
            if lease.timeout is not None:
                self._timed.add(lease.task_id)
            self._executors.submit(attempt)

    def _on_end(self, attempt: Attempt, ended: Ended) -> None:
        self._ends.append((attempt, ended))
        self._wake()

    def collect(self) -> list[tuple[Attempt, Ended]]:
        """Take over what has ended since the last call."""
        collected: list[tuple[Attempt, Ended]] = []
        while self._ends:
            attempt, ended = self._ends.popleft()
            task_id = ended.lease.task_id
            if self._attempts.get(task_id) is attempt:
                del self._attempts[task_id]
                self._timed.discard(task_id)
                self._stopping.discard(task_id)
            if attempt.abandoned:
                self._executors.replace(attempt)
            collected.append((attempt, ended))
        return collected

    def stop(self, task_ids: Iterable[TaskId], reason: StopReason, now: float) -> None:
        """Have attempts ended; unknown ids are ignored."""
        steps = steps_for(
            reason,
            kill_grace=self._options.kill_grace,
            shutdown_grace=self._options.shutdown_grace,
        )
        for task_id in list(task_ids):
            if attempt := self._attempts.get(task_id):
                self._stopping.add(task_id)
                attempt.stop(reason, steps, now)

    def stop_all(self, reason: StopReason, now: float) -> None:
        """Have every attempt ended."""
        self.stop(self._attempts, reason, now)

    def advance(self, now: float) -> None:
        """Begin the stops that are due, and take their next steps."""
        overdue = [
            task_id for task_id in self._timed if _passed(self._attempts[task_id].deadline, now)
        ]
        self._timed.difference_update(overdue)
        self.stop(overdue, StopReason.TIMEOUT, now)
        for task_id in list(self._stopping):
            self._attempts[task_id].advance(now)

    def next_step(self) -> float | None:
        """When `advance` has something to do next, by the monotonic clock."""
        moments = [self._attempts[task_id].deadline for task_id in self._timed]
        moments += [self._attempts[task_id].next_step() for task_id in self._stopping]
        return min((moment for moment in moments if moment is not None), default=None)


def _passed(moment: float | None, now: float) -> bool:
    return moment is not None and now >= moment
