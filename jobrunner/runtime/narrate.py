"""What a worker's transactions did, told as events."""

from collections.abc import Sequence
from typing import Final

from jobrunner.core import payload
from jobrunner.core.events import (
    DependentCancelled,
    Emit,
    LeaseLost,
    TaskExpired,
    TasksCompleted,
    TaskSettled,
    TasksStarted,
    TaskStarted,
    ignore,
)
from jobrunner.core.outcome import NAMES
from jobrunner.core.status import Status
from jobrunner.core.task import Lease, TaskId, WorkerId
from jobrunner.runtime.settler import Turn
from jobrunner.storage.settle import Settled, problem
from jobrunner.storage.types import MICROSECOND

TOLD_SINGLY: Final = 50
"""Tasks of one transaction that are told one by one. More come only at thousands a second."""


class Narrator:
    """Tells one worker's story; costs nothing where nobody listens."""

    def __init__(self, emit: Emit, worker_id: WorkerId) -> None:
        """Events go to `emit`."""
        self._emit = emit
        self._worker_id = worker_id
        self._heard = emit is not ignore

    def tell(self, turn: Turn) -> None:
        """What was settled, refused, and claimed."""
        for ended in turn.settlement.refused:
            self.lease_lost(ended.lease)
        if not self._heard:
            return
        self._tell_settled(turn.settlement.settled)
        for dependent, parent in turn.settlement.cancelled_dependents:
            self._emit(DependentCancelled(dependent, parent))
        for task_id, error in turn.settlement.expired:
            self._emit(TaskExpired(task_id, error))
        if len(turn.leases) > TOLD_SINGLY:
            self._emit(TasksStarted(*self._together(turn.leases)))
            return
        for lease in turn.leases:
            self._emit(TaskStarted(lease.task_id, name(lease), lease.attempt, self._worker_id))

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
                    self._worker_id,
                    outcome=NAMES[type(end.outcome)],
                    status=verdict.status,
                    ran=(end.ended_at - (end.started_at or end.ended_at)) * MICROSECOND,
                    error=problem(end.outcome),
                )
            )

    def _together(self, leases: Sequence[Lease]) -> tuple[int, TaskId, TaskId, WorkerId]:
        ids = [lease.task_id for lease in leases]
        return len(ids), min(ids), max(ids), self._worker_id

    def lease_lost(self, lease: Lease) -> None:
        """A late write was refused, or is not even tried."""
        self._emit(LeaseLost(lease.task_id, lease.attempt, self._worker_id))


def name(lease: Lease) -> str:
    """What a claimed task runs, in a word."""
    if lease.function is not None:
        return lease.function
    program: str = payload.decode(lease.command)[0]
    return program
