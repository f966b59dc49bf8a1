"""What the slots of workers ran, within a span of time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Text, literal_column, select

from jobrunner.core.insight import RUNNING
from jobrunner.core.insight_graph import Bar, Lane, Timeline
from jobrunner.core.packing import slots
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.storage import ends, workers
from jobrunner.storage.chunks import chunks
from jobrunner.storage.names import NAMING, name_of
from jobrunner.storage.tables import attempts, tasks

SLACK: Final = timedelta(minutes=1)
"""By how much attempts may have been written down out of the order in which they ended."""

LATER: Final = 20_000
"""Attempts behind the span that are searched for such as began within it."""

_BAR: Final = (
    attempts.c.worker_id,
    attempts.c.task_id,
    attempts.c.outcome,
    attempts.c.started_at,
    attempts.c.ended_at,
    *NAMING,
)
_BARS: Final = select(*_BAR).join(tasks, tasks.c.id == attempts.c.task_id)
_RUNNING: Final = select(
    tasks.c.worker_id, tasks.c.id, literal_column(f"'{RUNNING}'", Text), tasks.c.started_at, *NAMING
).where(tasks.c.status == literal_column("'in_progress'"))


def timeline(transaction: Connection, *, since: datetime, until: datetime, limit: int) -> Timeline:
    """The attempts that ran then, in lanes: at most so many, the newest.

    The history is read by id. One that ran on for more than 20,000 others after `until` is
    left out.
    """
    bars: defaultdict[WorkerId, list[Bar]] = defaultdict(list)
    found = 0
    for worker_id, bar in _bars(transaction, since, until, limit + 1):
        found += 1
        if found <= limit:
            bars[worker_id].append(bar)
    return Timeline(list(_lanes(bars, _known(transaction, [*bars]))), is_cut=found > limit)


def _bars(
    transaction: Connection, since: datetime, until: datetime, limit: int
) -> Iterator[tuple[WorkerId, Bar]]:
    """Those that run first, then those that ended, the newest first."""
    running = _RUNNING.where(tasks.c.started_at < until).limit(limit)
    rows = transaction.execute(running).all()
    yield from (_bar(worker, task, told, at, None, *of) for worker, task, told, at, *of in rows)
    first = first_ended(transaction, since - SLACK)
    last = first_ended(transaction, until + SLACK)
    query = _BARS.where(attempts.c.ended_at > since, attempts.c.started_at < until)
    query = query.order_by(attempts.c.id.desc()).limit(limit)
    for above, upto in ((last - 1, last - 1 + LATER), (first - 1, last - 1)):
        here = query.where(attempts.c.id > above, attempts.c.id <= upto)
        yield from (_bar(*row) for row in transaction.execute(here).all())


def _bar(worker_id: str, task_id: int, outcome: str, *rest: Any) -> tuple[WorkerId, Bar]:
    started_at, ended_at, *naming = rest
    bar = Bar(
        task_id=TaskId(task_id),
        name=name_of(*naming),
        outcome=outcome,
        started_at=started_at,
        ended_at=ended_at,
    )
    return WorkerId(worker_id), bar


def first_ended(transaction: Connection, moment: datetime) -> int:
    """The first attempt that ended then or later, or the next id: by bisection, as ids ascend."""
    at = select(attempts.c.id, attempts.c.ended_at).order_by(attempts.c.id)
    at = at.limit(literal_column("1"))
    low, high = 1, ends.newest(transaction) + 1
    while low < high:
        middle = (low + high) // 2
        row = transaction.execute(at.where(attempts.c.id >= middle)).first()
        if row is None or row.ended_at >= moment:
            high = middle
        else:
            low = row.id + 1
    return low


def _known(transaction: Connection, ids: list[WorkerId]) -> dict[WorkerId, WorkerInfo]:
    return {info.id: info for some in chunks(ids) for info in workers.every(transaction, some)}


def _lanes(
    bars: Mapping[WorkerId, list[Bar]], known: Mapping[WorkerId, WorkerInfo]
) -> Iterator[Lane]:
    def begun(worker_id: WorkerId) -> tuple[datetime, WorkerId]:
        first = min(bar.started_at for bar in bars[worker_id])
        info = known.get(worker_id)
        return info.started_at if info else first, worker_id

    for worker_id in sorted(bars, key=begun):
        own = sorted(bars[worker_id], key=lambda bar: (bar.started_at, bar.task_id))
        lanes: defaultdict[int, list[Bar]] = defaultdict(list)
        for slot, bar in zip(slots([(b.started_at, b.ended_at) for b in own]), own, strict=True):
            lanes[slot].append(bar)
        info = known.get(worker_id)
        is_lost = info is not None and info.status is WorkerStatus.LOST
        for slot in sorted(lanes):
            yield Lane(
                worker_id=worker_id,
                slot=slot,
                bars=lanes[slot],
                host=info.host if info else None,
                pid=info.pid if info else None,
                status=info.status if info else None,
                lost_at=info.seen_at if info and is_lost else None,
            )
