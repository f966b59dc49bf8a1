"""Whoever waits longest has its turn now and then, whatever its priority."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Integer, Select, bindparam, literal_column, select

from jobrunner.core.task import TaskId
from jobrunner.storage.clauses import IS_PENDING
from jobrunner.storage.tables import tasks

AGED_SHARE: Final = 10
"""One claim in so many goes to whoever waits longest, so that no priority starves."""

_IN_QUEUE: Final = 1
_IN_LANE: Final = 2
_ONE: Final = literal_column("1", Integer)
_PRIORITIES: Final = 64
"""How many distinct priorities the search for the longest-waiting looks at, lowest first."""


def starving_priority(transaction: Connection, *, queues: Sequence[str] = ()) -> int | None:
    """The priority of the task that waits longest, `None` where the plain order serves it.

    Hops from one distinct priority to the next over the index that the claim uses: a handful
    of look-ups, whatever the backlog.
    """
    found = [heads(transaction, queue) for queue in queues or (None,)]
    saw_the_top = all(len(some) < _PRIORITIES for some in found)
    every = list(itertools.chain(*found))
    if not every:
        return None
    _, oldest = min(every)
    served = saw_the_top and oldest == max(priority for _, priority in every)
    return None if served else oldest


def heads(
    transaction: Connection, queue: str | None = None, lane: str | None = None
) -> list[tuple[TaskId, int]]:
    """The oldest pending task of each priority, with it, from the lowest up, 64 at most.

    Of those in no lane, of a queue or of all; or of a queue's lane.
    """
    kind = (queue is not None) + (lane is not None)
    found = transaction.execute(_HEADS[kind], {"only_queue": queue, "only_lane": lane})
    return [(TaskId(task_id), priority) for priority, task_id in found]


def _heads(kind: int) -> Any:
    """Each distinct priority with its oldest pending task, from the lowest priority up."""
    lane = tasks.c.lane == bindparam("only_lane") if kind == _IN_LANE else tasks.c.lane.is_(None)
    mine: list[Any] = [IS_PENDING, lane]
    if kind:
        mine.append(tasks.c.queue == bindparam("only_queue"))
    # Not `min(priority)`: a server before version 17 may go through all that are pending for it.
    lowest = select(tasks.c.priority).where(*mine).order_by(tasks.c.priority).limit(_ONE)
    found = select(lowest.scalar_subquery().label("priority")).cte("priorities", recursive=True)
    above = lowest.where(tasks.c.priority > found.c.priority).correlate(found)
    steps = found.union_all(select(above.scalar_subquery()).where(found.c.priority.is_not(None)))
    # Not `min(id)`: a server would go by id through all history. The first in the claim's order
    # from this priority on is of this priority.
    head = (
        select(tasks.c.id)
        .where(*mine, tasks.c.priority <= steps.c.priority)
        .order_by(tasks.c.priority.desc(), tasks.c.id)
        .limit(_ONE)
    )
    return (
        select(steps.c.priority, head.correlate(steps).scalar_subquery())
        .where(steps.c.priority.is_not(None))
        .limit(_PRIORITIES)
    )


_HEADS: Final[list[Select[int, int]]] = [_heads(kind) for kind in (0, _IN_QUEUE, _IN_LANE)]
