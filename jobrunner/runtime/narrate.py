"""What a worker's transactions did, told as events."""

from collections.abc import Callable, Sequence
from typing import Final

from jobrunner.core.events import (
    DependentCancelled,
    Event,
    LeaseLost,
    TaskExpired,
    TasksCompleted,
    TaskSettled,
    TasksStarted,
    TaskStarted,
    WorkerTrouble,
    ignore,
)
from jobrunner.core.outcome import NAMES
from jobrunner.core.status import Status
from jobrunner.core.task import Lease, TaskId, WorkerId
from jobrunner.runtime.listeners import Listeners, name
from jobrunner.runtime.options import Source
from jobrunner.runtime.settler import Turn
from jobrunner.storage.record import problem
from jobrunner.storage.settle import Settled
from jobrunner.storage.types import MICROSECOND

TOLD_SINGLY: Final = 50
"""Tasks of one transaction that are told one by one. More come only at thousands a second."""


class Narrator:
    """Tells one worker's story; costs nothing where nobody listens."""

    def __init__(self, source: Source, worker_id: Callable[[], WorkerId]) -> None:
        """Events go where those of `source` go, and to the hooks of its functions."""
        self._emit = source.emit
        self._id = worker_id
        self._heard = source.emit is not ignore
        self._listeners = Listeners(
            source.registry, lambda problem: self._emit(WorkerTrouble(self._id(), problem))
        )
        self.catch_up = self._listeners.catch_up

    def overhear(self, event: Event) -> None:
        """Tell what the sweeps say, from whatever thread."""
        self._emit(event)
        self._listeners.overhear(event)

    def tell(self, turn: Turn) -> None:
        """What was settled, refused, and claimed."""
        for ended in turn.settlement.refused:
            self.lease_lost(ended.lease)
        if self._heard:
            self._tell_heard(turn)
        self._listeners.hear(turn)

    def _tell_heard(self, turn: Turn) -> None:
        self._tell_settled(turn.settlement.settled)
        for dependent, parent in turn.settlement.cancelled_dependents:
            self._emit(DependentCancelled(dependent, parent))
        for task_id, error in turn.settlement.expired:
            self._emit(TaskExpired(task_id, error))
        if len(turn.leases) > TOLD_SINGLY:
            self._emit(TasksStarted(*self._together(turn.leases)))
            return
        for lease in turn.leases:
            self._emit(TaskStarted(lease.task_id, name(lease), lease.attempt, self._id()))

    def _tell_settled(self, settled: Sequence[Settled]) -> None:
        completed = [one.ended.lease for one in settled if one.verdict.status is Status.COMPLETED]
        many = len(completed) > TOLD_SINGLY
        if many:
            self._emit(TasksCompleted(*self._together(completed)))
        for end, verdict in settled:
            if many and verdict.status is Status.COMPLETED:
                continue
            lease = end.lease
            self._emit(
                TaskSettled(
                    lease.task_id,
                    name(lease),
                    lease.attempt,
                    self._id(),
                    outcome=NAMES[type(end.outcome)],
                    status=verdict.status,
                    ran=(end.ended_at - (end.started_at or end.ended_at)) * MICROSECOND,
                    error=problem(end.outcome),
                )
            )

    def _together(self, leases: Sequence[Lease]) -> tuple[int, TaskId, TaskId, WorkerId]:
        ids = [lease.task_id for lease in leases]
        return len(ids), min(ids), max(ids), self._id()

    def lease_lost(self, lease: Lease) -> None:
        """A late write was refused, or is not even tried."""
        self._emit(LeaseLost(lease.task_id, lease.attempt, self._id()))
