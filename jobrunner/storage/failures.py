"""The newest failed tasks, together where their errors say the same."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from sqlalchemy import Connection, literal_column, select

from jobrunner.core.fingerprint import fingerprint
from jobrunner.core.insight import FailureGroup
from jobrunner.core.task import TaskId
from jobrunner.storage import lanes
from jobrunner.storage.chunks import chunks
from jobrunner.storage.tables import tasks
from jobrunner.storage.types import EPOCH

LOOKED_AT: Final = 2_000
"""The newest failed tasks, of which groups are made."""

QUEUES: Final = 500
"""In the first so many queues by name in which tasks have failed."""

MOST_IDS: Final = 1_000
AT_ONCE: Final = 250
_LONGEST: Final = 1_000

_FAILED: Final = (tasks.c.status == literal_column("'failed'")) & tasks.c.finished_at.is_not(None)
_QUEUES: Final = lanes.distinct(tasks.c.queue, _FAILED).limit(literal_column(str(QUEUES)))

When = tuple[datetime, int]
"""A moment and a task, ordered as the index holds them."""


def failures(transaction: Connection, *, limit: int) -> list[FailureGroup]:
    """At most so many groups, the one that failed last first, of the newest 2,000 failed tasks."""
    each = (_newest(transaction, queue) for queue in transaction.scalars(_QUEUES).all())
    found = list(islice(heapq.merge(*each, reverse=True), LOOKED_AT))
    told = _told(transaction, [task_id for _, task_id in found])
    groups: dict[str, list[When]] = {}
    for at, task_id in found:
        if task_id in told:
            groups.setdefault(fingerprint(*told[task_id]), []).append((at, task_id))
    return [
        _group(key, members, told[members[0][1]]) for key, members in islice(groups.items(), limit)
    ]


def _group(key: str, members: list[When], told: tuple[str | None, str]) -> FailureGroup:
    function, error = told
    return FailureGroup(
        fingerprint=key,
        function=function,
        error=error,
        count=len(members),
        last_at=members[0][0],
        ids=tuple(TaskId(task_id) for _, task_id in members[:MOST_IDS]),
    )


def _newest(transaction: Connection, queue: str) -> Iterator[When]:
    """What failed in a queue, newest first, some at a time."""
    at, task_id = tasks.c.finished_at, tasks.c.id
    query = (
        select(at, task_id)
        .where(_FAILED, tasks.c.queue == queue)
        .order_by(at.desc(), task_id.desc())
        .limit(literal_column(str(AT_ONCE)))
    )
    last: When | None = None
    while True:
        here = query
        if last is not None:  # the first of the two is what the index is searched for
            here = query.where(at <= last[0], (at < last[0]) | (task_id < last[1]))
        found = [(moment or EPOCH, found_id) for moment, found_id in transaction.execute(here)]
        yield from found
        if len(found) < AT_ONCE:
            return
        last = found[-1]


def _told(transaction: Connection, ids: list[int]) -> dict[int, tuple[str | None, str]]:
    """The function and the error of each."""
    found: dict[int, tuple[str | None, str]] = {}
    for some in chunks(sorted(ids)):
        query = select(tasks.c.id, tasks.c.function, tasks.c.error).where(tasks.c.id.in_(some))
        for task_id, function, error in transaction.execute(query):
            found[task_id] = function, (error or "")[:_LONGEST]
    return found
