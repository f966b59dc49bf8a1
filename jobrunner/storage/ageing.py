"""Whoever waits longest has its turn now and then, whatever its priority."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Integer, Select, bindparam, literal_column, select

from jobrunner.storage.tables import tasks

AGED_SHARE: Final = 10
"""One claim in so many goes to whoever waits longest, so that no priority starves."""

_PENDING: Final = (tasks.c.status == literal_column("'pending'")) & tasks.c.lane.is_(None)
_ONE: Final = literal_column("1", Integer)
_PRIORITIES: Final = 64
"""How many distinct priorities the search for the longest-waiting looks at, lowest first."""


def starving_priority(transaction: Connection, *, queues: Sequence[str] = ()) -> int | None:
    """The priority of the task that waits longest, `None` where the plain order serves it.

    Hops from one distinct priority to the next over the index that the claim uses: a handful
    of look-ups, whatever the backlog.
    """
    heads: list[tuple[int, int]] = []  # (task id, priority)
    saw_the_top = True
    for queue in queues or (None,):
        query = _HEADS[queue is not None]
        found = transaction.execute(query, {"only_queue": queue}).all()
        heads += [(task_id, priority) for priority, task_id in found]
        saw_the_top &= len(found) < _PRIORITIES
    if not heads:
        return None
    _, oldest = min(heads)
    served = saw_the_top and oldest == max(priority for _, priority in heads)
    return None if served else oldest


def _heads(*, in_queue: bool) -> Any:
    """Each distinct priority with its oldest pending task, from the lowest priority up."""
    mine: list[Any] = [_PENDING]
    if in_queue:
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


_HEADS: Final[dict[bool, Select[int, int]]] = {
    in_queue: _heads(in_queue=in_queue) for in_queue in (False, True)
}
