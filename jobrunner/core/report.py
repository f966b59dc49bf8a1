"""What the history adds up to: throughput, waits, run times, and where workers' time went."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerInfo, WorkerStatus

FAILURES = frozenset({"failed", "timed_out", "crashed"})
"""Outcomes that a worker counts as failed; `lost` is counted apart."""


class AttemptRow(NamedTuple):
    """One attempt of the history, as far as the report needs it."""

    name: str
    worker_id: str
    outcome: str
    ready_at: datetime
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of spans, in seconds, by the nearest-rank method."""

    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionReport:
    """One function, or one command's program: attempts, failures, seconds a run."""

    name: str
    count: int
    failed: int
    run: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """One worker. Efficiency is busy seconds / (alive seconds x concurrency)."""

    info: WorkerInfo
    completed: int
    failed: int
    lost: int
    busy_s: float
    alive_s: float

    @property
    def efficiency(self) -> float:
        """The share of its slots' time that the worker spent running tasks, 0 to 1."""
        offered = self.alive_s * self.info.concurrency
        return min(1.0, self.busy_s / offered) if offered > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Task completion and worker efficiency. Spans are seconds."""

    tasks: Mapping[Status, int]
    attempts: Mapping[str, int]
    elapsed_s: float
    throughput_per_s: float
    wait: Spread | None
    run: Spread | None
    functions: Sequence[FunctionReport]
    workers: Sequence[WorkerReport]

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from jobrunner.core.notebook import report_html  # noqa: PLC0415 — few need it

        return report_html(self)


@dataclass(slots=True)
class _Tally:
    """Running totals of one function or worker."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    runs: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, outcome: str, ran: float) -> None:
        self.outcomes[outcome] += 1
        self.runs.append(ran)

    @property
    def failed(self) -> int:
        return sum(self.outcomes[name] for name in FAILURES)


@dataclass(slots=True)
class _WorkerTally(_Tally):
    """Running totals of one worker, with those apart that somebody else has told."""

    settled_at: datetime | None = None
    """The last end that it has told itself."""
    lost_from: list[datetime] = field(default_factory=list[datetime])
    lost_s: float = 0.0

    def note(self, row: AttemptRow, ran: float) -> None:
        self.add(row.outcome, ran)
        if row.outcome == "lost":
            self.lost_from.append(row.started_at)
            self.lost_s += ran
        elif self.settled_at is None or row.ended_at > self.settled_at:
            self.settled_at = row.ended_at

    def busy_s(self, until: datetime, concurrency: int) -> float:
        """Seconds in tasks. Of those lost, the first were running, others only claimed ahead."""
        running = sorted(self.lost_from)[:concurrency]
        lost_s = sum(max(0.0, (until - start).total_seconds()) for start in running)
        return sum(self.runs) - self.lost_s + lost_s


def summarise(
    rows: Iterable[AttemptRow],
    *,
    tasks: Mapping[Status, int],
    workers: Sequence[WorkerInfo],
    now: datetime,
    since: datetime | None = None,
) -> Report:
    """Add up the history. The elapsed time runs from the first start to the last end.

    With `since`, the rows are those of attempts that ended after it; workers that had ended
    by then are left out, and of the others only the time from then on counts.
    """
    total = _Tally()
    waits = array("d")
    functions: dict[str, _Tally] = {}
    by_worker: dict[str, _WorkerTally] = {worker.id: _WorkerTally() for worker in workers}
    first: datetime | None = None
    last: datetime | None = None
    for row in rows:
        ran = (row.ended_at - row.started_at).total_seconds()
        waits.append(max(0.0, (row.started_at - row.ready_at).total_seconds()))
        total.add(row.outcome, ran)
        functions.setdefault(row.name, _Tally()).add(row.outcome, ran)
        by_worker.setdefault(row.worker_id, _WorkerTally()).note(row, ran)
        first = row.started_at if first is None else min(first, row.started_at)
        last = row.ended_at if last is None else max(last, row.ended_at)
    elapsed = (last - first).total_seconds() if first and last else 0.0
    completed = total.outcomes["completed"]
    return Report(
        tasks=tasks,
        attempts=dict(total.outcomes),
        elapsed_s=elapsed,
        throughput_per_s=completed / elapsed if elapsed > 0 else 0.0,
        wait=spread(waits),
        run=spread(total.runs),
        functions=[
            FunctionReport(
                name=name, count=len(tally.runs), failed=tally.failed, run=spread(tally.runs)
            )
            for name, tally in sorted(functions.items())
        ],
        workers=[
            _worker(worker, by_worker[worker.id], now, since or worker.started_at)
            for worker in workers
            if since is None or by_worker[worker.id].runs or alive_until(worker, now) > since
        ],
    )


def _worker(
    worker: WorkerInfo, tally: _WorkerTally, now: datetime, since: datetime
) -> WorkerReport:
    until = alive_until(worker, now)
    if tally.settled_at:  # a sign of life too, often later than the last beat of a killed worker
        until = max(until, tally.settled_at)
    return WorkerReport(
        info=worker,
        completed=tally.outcomes["completed"],
        failed=tally.failed,
        lost=tally.outcomes["lost"],
        busy_s=tally.busy_s(until, worker.concurrency),
        alive_s=max(timedelta(), until - max(since, worker.started_at)).total_seconds(),
    )


def alive_until(worker: WorkerInfo, now: datetime) -> datetime:
    """When a worker's time ends: now, its stop, or for a lost one its last sign of life."""
    if worker.status is WorkerStatus.LOST:
        return worker.seen_at
    return worker.stopped_at or now


def spread(spans: "array[float]") -> Spread | None:
    """The quantiles of spans in seconds; `None` where there are none.

    Nearest rank (Hyndman and Fan's definition 1): the smallest span that is at least as long
    as the given share of all.
    """
    if not spans:
        return None
    ordered = sorted(spans)
    return Spread(p50=_rank(ordered, 50), p95=_rank(ordered, 95), max=ordered[-1])


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
