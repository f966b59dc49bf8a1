"""`queue.insight`: what pages and pollers look at, made to be asked for often."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

from jobrunner.core import fields
from jobrunner.core.history import AttemptRecord, StepRecord
from jobrunner.core.insight import (
    Bucket,
    Changes,
    Counted,
    Cursor,
    FailureGroup,
    Found,
    Listing,
    QueueBacklog,
    RunSpan,
    TaskQuery,
)
from jobrunner.core.insight_graph import TaskGraph, Timeline
from jobrunner.core.status import Status
from jobrunner.core.task import TaskSource
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.paced import Paced
from jobrunner.runtime.series import Series
from jobrunner.storage import (
    backlogs,
    counting,
    failures,
    neighbours,
    news,
    reads,
    search,
    spans,
    steps,
    timeline,
)
from jobrunner.storage.store import Store

MOST: Final = 100_000
"""The most that any of these calls lists."""


class Seen(TaskSource, Protocol):
    """What is looked at: a queue."""

    store: Store
    clock: Clock


class Insight:
    """Read models of a queue: each call is short, reads a bounded amount, and changes nothing."""

    def __init__(self, queue: Seen) -> None:
        """`queue` is what is looked at."""
        self._queue = queue
        self._series = Series(queue.store)
        clock, place = queue.clock, self._place
        self._counts = Paced(clock, self._count, lambda found: sum(found.values()), place)
        self._backlogs = Paced(clock, self._look, lambda all_: sum(q.pending for q in all_), place)

    def _place(self) -> str:
        return self._queue.store.location

    def _count(self) -> Mapping[Status, int]:
        return self._queue.store.read(counting.counts)

    def _look(self) -> list[QueueBacklog]:
        return self._queue.store.read(backlogs.backlogs)

    def counts(self) -> dict[Status, int]:
        """How many tasks stand where; of more than 50,000, as of up to 2 s a million ago."""
        return dict(self._counts.get()[0])

    def queue_backlogs(self) -> list[QueueBacklog]:
        """What waits and runs in each queue, by name; of very many, as old as `counts`.

        A queue whose tasks have all ended, and for which nothing was set, is not named.
        """
        return list(self._backlogs.get()[0])

    def series(self, since: datetime, until: datetime, buckets: int) -> Listing[Bucket]:
        """How many attempts ended when: at most so many buckets, and one more.

        The first holds `since`, the last `until`, each is a whole number of 10 s. What was read
        once is kept for 8 days, and no more is shown; if `is_cut`, there is more to read, and the
        next call goes on with it. On a server, an attempt that is seen later than 2,000 newer
        ones is not counted.

        Raises:
            InvalidTaskError: there is no time between the two, or not from 1 to 1,000 buckets.
        """
        return self._series.look(since, until, buckets)

    def failures(self, limit: int = 20) -> list[FailureGroup]:
        """Of the newest 2,000 failed tasks those together whose errors say the same.

        The group that failed last comes first; its `ids` are at most 1,000.
        """
        return self._queue.store.read(failures.failures, limit=_most(limit))

    def find(self, query: TaskQuery, limit: int = 50, before: int | None = None) -> Found:
        """The newest tasks that match, newest first; go on with `before=found.next_before`.

        If `is_cut`, it looked at 100,000 ids and there are more below; see `storage.search`.
        """
        source = self._queue
        return source.store.read(
            search.find, query, source=source, limit=_most(limit), before=before
        )

    def find_newer(self, query: TaskQuery, limit: int = 50, after: int = 0) -> Found:
        """The tasks next above an id that match, newest first; go on with `after=next_after`."""
        source = self._queue
        return source.store.read(
            search.find_newer, query, source=source, limit=_most(limit), after=after
        )

    def count(self, query: TaskQuery, cap: int = 100_000) -> Counted:
        """How many tasks match, up to `cap`; see `storage.search` for what else is capped."""
        return self._queue.store.read(search.count, query, cap=_most(cap))

    def graph(self, task_id: int, limit: int = 500) -> TaskGraph:
        """All that a task hangs together with, in both directions, the nearest first.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self._queue.store.read(neighbours.graph, task_id, limit=_most(limit))

    def neighbours(self, task_id: int, limit: int = 100) -> TaskGraph:
        """A task with its parents and its dependents.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self._queue.store.read(neighbours.neighbours, task_id, limit=_most(limit))

    def attempts(self, task_id: int, limit: int = 20) -> Listing[AttemptRecord]:
        """The newest attempts of a task that have ended, oldest first."""
        most = _most(limit)
        found = self._queue.store.read(reads.history, task_id, newest=most + 1)
        return Listing(tuple(found[-most:]), len(found) > most)

    def steps(self, task_id: int, limit: int = 100) -> Listing[StepRecord]:
        """The steps of a task that are done, oldest first."""
        most = _most(limit)
        found = self._queue.store.read(steps.every, task_id, limit=most + 1)
        return Listing(tuple(found[:most]), len(found) > most)

    def batch_graph(self, batch_id: int, limit: int = 500) -> TaskGraph:
        """The members and the callbacks of a batch, with the edges among them.

        Raises:
            BatchNotFoundError: there is no such batch.
        """
        return self._queue.store.read(neighbours.of_batch, batch_id, limit=_most(limit))

    def timeline(self, since: datetime, until: datetime, limit: int = 5_000) -> Timeline:
        """What the slots of the workers ran between two moments: the newest, at most so many.

        Raises:
            InvalidTaskError: there is no time between the two.
        """
        fields.check_moment("since", since)
        fields.check_moment("until", until)
        if since >= until:
            raise fields.invalid("since", "must be before until")
        return self._queue.store.read(
            timeline.timeline, since=since, until=until, limit=_most(limit)
        )

    def changes(self, cursor: Cursor | None = None, limit: int = 200) -> Changes:
        """What happened behind a cursor, the newest of each kind; without one, from now on.

        That a task has started, was cancelled or retried tell only the counts. On a server, a
        task that is seen later than a newer one which was told is never told.
        """
        return self.changes_of([cursor], limit=limit)[0]

    def changes_of(self, cursors: Sequence[Cursor | None], limit: int = 200) -> list[Changes]:
        """The same behind several cursors, all as of one moment: each ends at the same cursor."""
        most = _most(limit)
        with self._queue.store.reading() as transaction:
            found = [news.changes(transaction, cursor, limit=most) for cursor in cursors]
        counts, lags = self._counts.get()
        return [replace(each, counts=counts, lags=lags) for each in found]

    def spans(self, function: str, limit: int = 50) -> Listing[RunSpan]:
        """The last runs of a function, oldest first, among the newest 20,000 attempts of all."""
        return self._queue.store.read(spans.spans, function, limit=_most(limit))


def _most(limit: Any) -> int:
    fields.check_integer("limit", limit, range(1, MOST + 1))
    return int(limit)
