"""When each worker worked, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from jobrunner.core.report import FAILURES, WASTED, WorkerReport, alive_until
from jobrunner.core.sums import LOST, WorkerCell
from jobrunner.core.worker import WorkerInfo


@dataclass(frozen=True, slots=True)
class Shifts:
    """All workers: what each of them ended, and until when."""

    workers: Sequence[WorkerInfo]
    cells: Mapping[str, Sequence[WorkerCell]]
    now: datetime

    @classmethod
    def of(
        cls, workers: Sequence[WorkerInfo], cells: Iterable[WorkerCell], *, now: datetime
    ) -> Self:
        """`cells` may come in any order."""
        found: dict[str, list[WorkerCell]] = {}
        for cell in cells:
            found.setdefault(cell.worker_id, []).append(cell)
        return cls(workers, found, now)

    def until(self) -> dict[str, tuple[datetime, int]]:
        """When the time of each worker ended, and how many slots it had."""
        return {one.id: (self._until(one), one.concurrency) for one in self.workers}

    def _until(self, worker: WorkerInfo) -> datetime:
        """What it has told itself is a sign of life, often later than a killed one's last beat."""
        told = [cell.last_at for cell in self.cells.get(worker.id, ()) if cell.outcome != LOST]
        return max([alive_until(worker, self.now), *told])

    def reports(self, lost_s: Mapping[str, float], since: datetime | None) -> list[WorkerReport]:
        """Each worker; with `since`, those that ran then, and only their time from then on."""
        until = self.until()
        return [
            self._report(one, lost_s.get(one.id, 0.0), until[one.id][0], since or one.started_at)
            for one in self.workers
            if since is None or one.id in self.cells or alive_until(one, self.now) > since
        ]

    def _report(
        self, worker: WorkerInfo, lost_s: float, until: datetime, since: datetime
    ) -> WorkerReport:
        cells = self.cells.get(worker.id, ())
        counts = Counter({cell.outcome: cell.number for cell in cells})
        spent = {cell.outcome: cell.total / 1e6 for cell in cells} | {LOST: lost_s}
        return WorkerReport(
            info=worker,
            completed=counts["completed"],
            failed=sum(counts[name] for name in FAILURES),
            lost=counts[LOST],
            busy_s=sum(spent.values()),
            alive_s=max(timedelta(), until - max(since, worker.started_at)).total_seconds(),
            wasted_s=sum(spent.get(name, 0.0) for name in WASTED),
        )
