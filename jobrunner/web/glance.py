"""What the overview shows, read once for all tabs."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jobrunner.core.errors import JobrunnerError
from jobrunner.core.finding import Finding
from jobrunner.core.insight import Bucket, FailureGroup, Listing, QueueBacklog
from jobrunner.core.schedule import Schedule
from jobrunner.core.status import Status
from jobrunner.storage import workers
from jobrunner.task_queue import TaskQueue
from jobrunner.web import masked, ranges
from jobrunner.web.findings import Findings
from jobrunner.web.gauges import Gauges
from jobrunner.web.ranges import Range
from jobrunner.web.shared import Shared, T
from jobrunner.web.stream import Feed
from jobrunner.web.update import Alive

QUEUES: Final = 12
GROUPS: Final = 12
SCHEDULES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The overview but for its charts."""

    at: datetime
    counts: Mapping[Status, int]
    sparks: Mapping[Status, Sequence[int]]
    """Of the last hour, a number a minute; those of the completed and the failed are ends."""
    alive: Alive
    backlogs: Sequence[QueueBacklog]
    """The longest first."""
    more_queues: int
    oldest: QueueBacklog | None
    """Whose head waits longest."""
    failures: Sequence[FailureGroup]
    schedules: Sequence[Schedule]
    """Those that fire next."""
    trouble: Sequence[Finding]


class Glance:
    """Looks at a queue for the overview. Safe in any number of threads."""

    def __init__(self, queue: TaskQueue, feed: Feed) -> None:
        """`feed` knows the counts while somebody listens to it."""
        self.shared = Shared(queue.clock.monotonic)
        self.findings = Findings(queue)
        self._queue = queue
        self._feed = feed
        self._gauges = Gauges()

    def figures(self) -> Figures:
        """As of the last second; what is costly to find is a little older."""
        return self._figures(self.findings.trouble())

    def warm_up(self) -> None:
        """Look once, so that the first page need not wait for what only a first look does."""
        with contextlib.suppress(JobrunnerError):  # whoever looks at a page is told of it
            self._figures([])
        self.shared.forget()  # what follows may be shown to somebody

    def _figures(self, trouble: Sequence[Finding]) -> Figures:
        now, counts = self._queue.clock.now(), self._counts()
        backlogs = sorted(
            self._shared("backlogs", self._queue.insight.queue_backlogs),
            key=lambda one: (-one.pending - one.in_progress, one.name),
        )
        waiting = [one for one in backlogs if one.oldest_pending_at is not None]
        return Figures(
            at=now,
            counts=counts,
            sparks=self._sparks(now),
            alive=self._shared("workers", self._alive),
            backlogs=backlogs[:QUEUES],
            more_queues=len(backlogs[QUEUES:]),
            oldest=min(waiting, key=lambda one: one.oldest_pending_at or now, default=None),
            failures=self._shared("failures", self._failures),
            schedules=self._shared("schedules", self._next),
            trouble=trouble,
        )

    def series(self, name: Range) -> Listing[Bucket]:
        """The buckets of the charts."""
        return self.shared.get(
            f"series {name}",
            lambda: ranges.series(self._queue, name),
            is_whole=lambda found: not found.is_cut,
        )

    def _shared(self, key: str, make: Callable[[], T]) -> T:
        return self.shared.get(key, make)

    def _counts(self) -> Mapping[Status, int]:
        last = self._feed.last
        return last.changes.counts if last else self._shared("counts", self._queue.insight.counts)

    def _sparks(self, now: datetime) -> dict[Status, Sequence[int]]:
        self._gauges.note(now, self._counts())
        hour = self._shared("sparks", lambda: ranges.look(self._queue, Range.HOUR))
        sparks: dict[Status, Sequence[int]] = {
            status: self._gauges.values(status, now) for status in Status
        }
        sparks[Status.COMPLETED] = [bucket.completed for bucket in hour]
        sparks[Status.FAILED] = [bucket.failed for bucket in hour]
        return sparks

    def _failures(self) -> list[FailureGroup]:
        return masked.failures(self._queue.insight.failures(GROUPS))

    def _alive(self) -> Alive:
        return Alive.of(self._queue.store.read(workers.alive))

    def _next(self) -> list[Schedule]:
        waiting = [one for one in self._queue.schedules.list() if one.next_at and not one.paused_at]
        return sorted(waiting, key=lambda one: (one.next_at, one.name))[:SCHEDULES]
