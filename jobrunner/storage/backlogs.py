"""What waits and runs in each queue, without a look at what has ended."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, literal_column, select, union_all

from jobrunner.core.insight import QueueBacklog
from jobrunner.core.limits import Limits
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.storage import ageing, lanes, limits
from jobrunner.storage.chunks import chunks
from jobrunner.storage.counting import is_in
from jobrunner.storage.rules import queues
from jobrunner.storage.tables import tasks

LOOKED_AT: Final = 100
"""Queues whose head is looked at, those with most pending tasks: the others tell no age."""

_QUEUE: Final = tasks.c.queue


def _counting(status: Status) -> Any:
    """Of each index for itself."""
    each = [select(_QUEUE, func.count()).where(one).group_by(_QUEUE) for one in is_in(status)]
    return union_all(*each)


_PENDING: Final = _counting(Status.PENDING)
_RUNNING: Final = (
    select(_QUEUE, func.count())
    .where(tasks.c.status == literal_column("'in_progress'"))
    .group_by(_QUEUE)
)


def backlogs(transaction: Connection) -> list[QueueBacklog]:
    """The queues in which something waits or runs, or for which something was set, by name."""
    pending = _counted(transaction, _PENDING)
    running = _counted(transaction, _RUNNING)
    rules = limits.read(transaction, queues)
    paused = dict(transaction.execute(select(queues.c.name, queues.c.paused_at)).all())
    oldest = _oldest(transaction, [name for name, _ in pending.most_common(LOOKED_AT)])
    return [
        QueueBacklog(
            name=name,
            pending=pending[name],
            in_progress=running[name],
            oldest_pending_at=oldest.get(name),
            paused_at=paused.get(name),
            limits=rules.get(name, Limits()),
        )
        for name in sorted({*pending, *running, *rules})
    ]


def _counted(transaction: Connection, query: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    rows: Any = transaction.execute(query)
    for name, number in rows:
        found[name] += number
    return found


def _oldest(transaction: Connection, names: list[str]) -> dict[str, datetime]:
    """Since when the head of each queue could run: of each priority, and of 128 lanes."""
    laned = {*lanes.queues_with(transaction, laned=True)} & {*names}
    heads: dict[TaskId, str] = {}
    for name in names:
        heads.update((task_id, name) for task_id, _ in ageing.heads(transaction, name))
        if name in laned:
            first = next(lanes.around(transaction, [name], after=(lanes.NOWHERE, lanes.NOWHERE)))
            heads.update((lane.task_id, name) for lane in first)
    oldest: dict[str, datetime] = {}
    for some in chunks(list(heads)):
        query = select(tasks.c.id, tasks.c.run_at).where(tasks.c.id.in_(some))
        for task_id, run_at in transaction.execute(query):
            name = heads[task_id]
            oldest[name] = min(run_at, oldest.get(name, run_at))
    return oldest
