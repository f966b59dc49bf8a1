"""What waits where limits are to be regarded: queues, their lanes, and the best of each."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Integer, bindparam, literal_column, select, union_all

from jobrunner.core.task import TaskId
from jobrunner.storage.allowance import Source
from jobrunner.storage.claim import AT_ONCE, no_bare_limit
from jobrunner.storage.clauses import IS_LANED, IS_PLAIN
from jobrunner.storage.tables import tasks

WINDOW: Final = 128
"""Lanes that are looked at in one statement."""

SIZES: Final = (1, 4, 16)
"""Sources that a statement asks: few sizes, as each is made once by every process."""

NOWHERE: Final = ""
"""No queue and no lane is called so, and every one comes behind it."""

_ONE: Final = literal_column("1", Integer)

_NONE: Final = Source(NOWHERE, NOWHERE, (), is_rated=False)


class Lane(NamedTuple):
    """A lane of a queue, with the best task that waits in it."""

    queue: str
    lane: str
    task_id: TaskId
    priority: int


class Candidate(NamedTuple):
    """A task that may be claimed, and where it waits."""

    source: Source
    task_id: TaskId
    priority: int
    crashes: int


def _hop(column: Any, *where: Any, start: Any = None) -> Any:
    """Each distinct value of a column, hopping from one to the next over an index."""
    first = select(column).where(*where).order_by(column).limit(_ONE)
    begin = first if start is None else first.where(column > start)
    found = select(begin.scalar_subquery().label("value")).cte("found", recursive=True)
    behind = first.where(column > found.c.value).correlate(found)
    return found.union_all(select(behind.scalar_subquery()).where(found.c.value.is_not(None)))


def distinct(column: Any, where: Any) -> Any:
    """The distinct values of a column by which an index of these rows is sorted."""
    found = _hop(column, where)
    return select(found.c.value).where(found.c.value.is_not(None))


_QUEUES: Final = {
    laned: distinct(tasks.c.queue, IS_LANED if laned else IS_PLAIN) for laned in (False, True)
}


def queues_with(transaction: Connection, *, laned: bool) -> list[str]:
    """The queues in which plain tasks wait, or such in lanes."""
    return list(transaction.scalars(_QUEUES[laned]))


def _lanes() -> Any:
    mine = (IS_LANED, tasks.c.queue == bindparam("only_queue"))
    found = _hop(tasks.c.lane, *mine, start=bindparam("after"))
    here = (*mine, tasks.c.lane == found.c.value)
    order = (tasks.c.priority.desc(), tasks.c.id)
    best = select(tasks.c.id).where(*here).order_by(*order).limit(_ONE).correlate(found)
    highest = select(tasks.c.priority).where(*here).order_by(*order).limit(_ONE).correlate(found)
    return (
        select(found.c.value, best.scalar_subquery(), highest.scalar_subquery())
        .where(found.c.value.is_not(None))
        .limit(literal_column(str(WINDOW)))
    )


_LANES: Final = _lanes()


def around(
    transaction: Connection, queues: Sequence[str], *, after: tuple[str, str]
) -> Iterator[list[Lane]]:
    """The lanes of these queues in a circle that begins behind one, a window at a time."""
    queue, lane = after
    names = sorted(queues)
    behind = [name for name in names if name > queue]
    before = [name for name in names if name < queue]
    begun: set[tuple[str, str]] = set()
    if queue in names:
        for window in _windows(transaction, queue, lane):
            begun.update((one.queue, one.lane) for one in window)
            yield window
    for name in (*behind, *before):
        yield from _windows(transaction, name, NOWHERE)
    if queue in names and lane != NOWHERE:
        for window in _windows(transaction, queue, NOWHERE):
            new = [one for one in window if (one.queue, one.lane) not in begun]
            yield new
            if len(new) < len(window):
                return


def _windows(transaction: Connection, queue: str, lane: str) -> Iterator[list[Lane]]:
    while True:
        found = transaction.execute(_LANES, {"only_queue": queue, "after": lane}).all()
        yield [Lane(queue, *row) for row in found]
        if len(found) < WINDOW:
            return
        lane = found[-1][0]


@cache
def _offers(size: int, *, laned: bool, one_priority: bool, locked: bool) -> Any:
    """The best of so many sources."""
    offers = [_offer(n, laned=laned, one_priority=one_priority, locked=locked) for n in range(size)]
    best = union_all(*offers).subquery() if size > 1 else offers[0].subquery()
    if laned:
        return select(best).order_by(best.c.source, best.c.priority.desc(), best.c.id)
    limit = no_bare_limit(bindparam("limit", type_=Integer))
    return select(best).order_by(best.c.priority.desc(), best.c.id).limit(limit)


def _offer(number: int, *, laned: bool, one_priority: bool, locked: bool) -> Any:
    query = select(tasks.c.id, tasks.c.priority, tasks.c.crashes).where(
        IS_LANED if laned else IS_PLAIN, tasks.c.queue == bindparam(f"queue_{number}")
    )
    if laned:
        query = query.where(tasks.c.lane == bindparam(f"lane_{number}"))
    if one_priority:
        only = bindparam("only_priority", type_=Integer)
        query = query.where(tasks.c.priority.between(only, only))  # not `=`: see `claim`
    first = query.order_by(tasks.c.priority.desc(), tasks.c.id).limit(literal_column(str(AT_ONCE)))
    # Locked on a server, so that nobody moves one elsewhere before it is claimed.
    best = (first.with_for_update(skip_locked=True) if locked else first).subquery()
    most = no_bare_limit(bindparam(f"most_{number}", type_=Integer))
    source = literal_column(str(number), Integer).label("source")
    return select(select(source, best).limit(most).subquery())


def offered(
    transaction: Connection,
    asked: Sequence[tuple[Source, int]],
    *,
    limit: int,
    priority: int | None = None,
    locked: bool = True,
) -> Iterator[Candidate]:
    """The best tasks of sources of one kind, at most so many of each.

    Each source's in their order; of plain ones together no more than `limit`. Who only looks
    leaves them for others to lock.
    """
    for at in range(0, len(asked), SIZES[-1]):
        some = asked[at : at + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(some))
        values: dict[str, Any] = {"limit": limit, "only_priority": priority}
        for number in range(size):
            source, most = some[number] if number < len(some) else (_NONE, 0)
            values[f"queue_{number}"] = source.queue
            values[f"lane_{number}"] = source.lane
            values[f"most_{number}"] = most
        laned = some[0][0].lane is not None
        statement = _offers(size, laned=laned, one_priority=priority is not None, locked=locked)
        found: Any = transaction.execute(statement, values)
        for number, task_id, rank, crashes in found:
            yield Candidate(some[number][0], task_id, rank, crashes)
