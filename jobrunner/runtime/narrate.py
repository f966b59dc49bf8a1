"""What a worker's transactions did, told as events."""

from jobrunner.core import payload
from jobrunner.core.events import (
    DependentCancelled,
    Emit,
    LeaseLost,
    TaskSettled,
    TaskStarted,
    ignore,
)
from jobrunner.core.outcome import NAMES
from jobrunner.core.task import Lease, WorkerId
from jobrunner.runtime.settler import Turn
from jobrunner.storage.settle import problem


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
        for end, verdict in turn.settlement.settled:
            lease = end.lease
            self._emit(
                TaskSettled(
                    lease.task_id,
                    name(lease),
                    lease.attempt,
                    self._worker_id,
                    outcome=NAMES[type(end.outcome)],
                    status=verdict.status,
                    ran=end.ended_at - (end.started_at or end.ended_at),
                    error=problem(end.outcome),
                )
            )
        for dependent, parent in turn.settlement.cancelled_dependents:
            self._emit(DependentCancelled(dependent, parent))
        for lease in turn.leases:
            self._emit(TaskStarted(lease.task_id, name(lease), lease.attempt, self._worker_id))

    def lease_lost(self, lease: Lease) -> None:
        """A late write was refused, or is not even tried."""
        self._emit(LeaseLost(lease.task_id, lease.attempt, self._worker_id))


def name(lease: Lease) -> str:
    """What a claimed task runs, in a word."""
    if lease.function is not None:
        return lease.function
    program: str = payload.decode(lease.command)[0]
    return program
