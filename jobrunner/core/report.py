"""What the history adds up to: throughput, waits, run times, and where workers' time went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from jobrunner.core import fields
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerInfo, WorkerStatus

FAILURES = frozenset({"failed", "timed_out", "crashed"})
"""Outcomes that a worker counts as failed; `lost` is counted apart."""

WASTED = ("failed", "timed_out", "crashed", "lost")
"""Outcomes that leave nothing behind but the seconds they took."""


class By(StrEnum):
    """What attempts are put together by."""

    FUNCTION = "function"
    QUEUE = "queue"
    WORKER = "worker"
    HOUR = "hour"


def by_of(text: str) -> By:
    """Read one of these words.

    Raises:
        InvalidTaskError: it is none of them.
    """
    try:
        return By(text)
    except ValueError:
        raise fields.invalid("by", f"must be one of {', '.join(By)}") from None


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of spans, in seconds, by the nearest-rank method; to three digits, but `max`."""

    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReport:
    """The attempts of a function or a command's program, of a queue, of a worker, of an hour.

    `failed` counts those of `FAILURES`. Spans are seconds; `wasted_s` is the part of `busy_s` that
    went into attempts that failed, timed out, crashed or were lost. `cpu_s` in all and the highest
    `peak_memory`, in bytes, are of those attempts of which they are known.
    """

    name: str
    count: int
    completed: int
    failed: int
    lost: int
    busy_s: float
    wasted_s: float
    wait: Spread | None
    run: Spread | None
    cpu_s: float | None = None
    peak_memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """One worker. Efficiency is busy seconds / (alive seconds x concurrency)."""

    info: WorkerInfo
    completed: int
    failed: int
    lost: int
    busy_s: float
    alive_s: float
    wasted_s: float = 0.0

    @property
    def offered_s(self) -> float:
        """The time of all its slots."""
        return self.alive_s * self.info.concurrency

    @property
    def efficiency(self) -> float:
        """The share of its slots' time that the worker spent running tasks, 0 to 1."""
        return min(1.0, self.busy_s / self.offered_s) if self.offered_s > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Task completion and worker efficiency. Spans are seconds.

    `wasted` has the seconds of attempts that failed, timed out, crashed or were lost, by outcome.
    `groups` are those that were asked for, `by` something; those by function are always there.
    """

    tasks: Mapping[Status, int]
    attempts: Mapping[str, int]
    elapsed_s: float
    throughput_per_s: float
    wait: Spread | None
    run: Spread | None
    functions: Sequence[GroupReport]
    workers: Sequence[WorkerReport]
    busy_s: float = 0.0
    wasted: Mapping[str, float] = field(default_factory=dict[str, float])
    by: By | None = None
    groups: Sequence[GroupReport] = ()

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from jobrunner.core.notebook import report_html  # noqa: PLC0415 — few need it

        return report_html(self)

    @property
    def wasted_s(self) -> float:
        """All that was wasted."""
        return sum(self.wasted.values())

    @property
    def efficiency(self) -> float:
        """The share of all workers' time that they spent running tasks, 0 to 1."""
        offered = sum(worker.offered_s for worker in self.workers)
        busy = sum(worker.efficiency * worker.offered_s for worker in self.workers)
        return busy / offered if offered > 0 else 0.0


def alive_until(worker: WorkerInfo, now: datetime) -> datetime:
    """When a worker's time ends: now, its stop, or for a lost one its last sign of life."""
    if worker.status is WorkerStatus.LOST:
        return worker.seen_at
    return worker.stopped_at or now
