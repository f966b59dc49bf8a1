"""The spans of time that charts show, by the names they have in the URL."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from jobrunner.core.insight import Bucket, Listing
from jobrunner.task_queue import TaskQueue

PATIENCE: Final = 1.0
"""Seconds that a first look at a long history may take: what is left comes with the next."""


class Range(StrEnum):
    """How far back a chart goes."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"


@dataclass(frozen=True, slots=True)
class _Span:
    title: str
    length: timedelta
    buckets: int
    step: str


_SPANS: Final = {
    Range.HOUR: _Span("1 hour", timedelta(hours=1), 60, "minute"),
    Range.DAY: _Span("24 hours", timedelta(days=1), 96, "15 minutes"),
    Range.WEEK: _Span("7 days", timedelta(days=7), 84, "2 hours"),
}


def title(name: Range) -> str:
    """As links say it."""
    return _SPANS[name].title


def step(name: Range) -> str:
    """What one bucket stands for."""
    return _SPANS[name].step


def series(queue: TaskQueue, name: Range) -> Listing[Bucket]:
    """The buckets of a span that ends now; `is_cut` if the oldest are not all counted yet."""
    monotonic = queue.clock.monotonic
    began = monotonic()
    found = look(queue, name)
    while found.is_cut and monotonic() - began < PATIENCE:
        found = look(queue, name)
    return found


def look(queue: TaskQueue, name: Range) -> Listing[Bucket]:
    """The same, as far as one short look counts."""
    span, now = _SPANS[name], queue.clock.now()
    return queue.insight.series(now - span.length, now, span.buckets)


def series_object(found: Listing[Bucket]) -> dict[str, Any]:
    """The same for charts."""
    buckets = [
        {
            "at": bucket.at.isoformat().replace("+00:00", "Z"),
            "completed": bucket.completed,
            "failed": bucket.failed,
            "other": bucket.other,
            "wait_s": bucket.wait_s,
            "run_s": bucket.run_s,
        }
        for bucket in found
    ]
    return {"buckets": buckets, "is_cut": found.is_cut}
