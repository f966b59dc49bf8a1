"""Whether each worker's claim would take a task: it chooses as a claim does, and takes nothing.

Of a claim with room for many. Whose turn it is among lanes of one priority each worker remembers
for itself: here as for one that has just begun.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from jobrunner.core.circumstances import Server
from jobrunner.core.lane import decode
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.core.worker import WorkerInfo
from jobrunner.storage import limited, occupants, workers
from jobrunner.storage.ageing import AGED_SHARE
from jobrunner.storage.allowance import Allowance, Gate, Kind, Source
from jobrunner.storage.limited import Circle, Wanted

ROOM: Final = 1_000
"""So many tasks the claim has room for; what as many are ahead of is not kept back by limits."""

CHOICES: Final = 16
"""So many workers that differ in what they serve or offer are looked at."""

NOBODY: Final = WorkerId("")


class Asking:
    """Puts the questions of claims to one task."""

    def __init__(
        self,
        transaction: Connection,
        task_id: TaskId,
        queue: str,
        lane: str | None,
        *,
        now: datetime,
    ) -> None:
        """`queue` and `lane` are where it waits, or will."""
        self._transaction = transaction
        self._task_id = task_id
        self._place = (queue, lane)
        self._needs = decode(lane).needs
        self._now = now
        self._answers: dict[object, bool] = {}

    def shut(self) -> list[Gate]:
        """The gates that let not even one more of its kind pass, whatever a worker offers."""
        return self._source(self._allowance(NOBODY)).shut

    def servers(self, *, is_ready: bool, is_pending: bool) -> list[Server]:
        """The workers that are alive; `is_ready` says that a claim would look at the task."""
        may_claim = workers.claiming(self._transaction)
        in_hand = occupants.in_hand(self._transaction)
        return [
            Server(
                worker=worker,
                may_claim=worker.id in may_claim,
                takes=is_ready
                and worker.id in may_claim
                and worker.serves(self._place[0])
                and self._is_chosen(worker, is_pending=is_pending),
                lacks=self._lacks(worker),
                in_hand=in_hand.get(worker.id, 0),
            )
            for worker in workers.alive(self._transaction)
        ]

    def _lacks(self, worker: WorkerInfo) -> list[str]:
        if not self._needs:
            return []
        shut = self._source(self._allowance(worker.id, worker.offers)).shut
        return [gate.name for gate in shut if gate.kind is Kind.OFFER]

    def _is_chosen(self, worker: WorkerInfo, *, is_pending: bool) -> bool:
        allowance = self._allowance(worker.id, worker.offers)
        source = self._source(allowance)
        if source.shut or not source.gates:
            return not source.shut
        # Workers that offer nothing choose alike.
        alike = (worker.queues, worker.id if worker.offers or self._needs else NOBODY)
        if alike not in self._answers and len(self._answers) < CHOICES:
            wanted = Wanted(worker.queues, ROOM, 0, ROOM // AGED_SHARE, locked=False)
            picked = limited.choose(self._transaction, wanted, allowance, Circle())
            # One that is due comes behind those that are pending: it is not promoted yet.
            is_left = len(picked) == ROOM or not (is_pending or source.shut)
            found = any(one.task_id == self._task_id for one in picked)
            self._answers[alike] = found or is_left
        return self._answers.get(alike, False)

    def _source(self, allowance: Allowance) -> Source:
        (found,) = allowance.sources([self._place])
        return found

    def _allowance(
        self, worker_id: WorkerId, offers: Mapping[str, float] | None = None
    ) -> Allowance:
        return Allowance(
            self._transaction, worker_id=worker_id, offers=offers, now=self._now, only_looks=True
        )
