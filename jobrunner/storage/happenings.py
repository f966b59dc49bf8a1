"""What happened to all tasks, behind a place in the logs that only grow, or of late."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    Integer,
    bindparam,
    func,
    literal_column,
    select,
)

from jobrunner.core.past import Source, Step
from jobrunner.storage.chunks import CHUNK, chunks
from jobrunner.storage.names import NAMING, name_of
from jobrunner.storage.tables import attempts, dependencies, tasks
from jobrunner.storage.traces import status_changes
from jobrunner.storage.transitions import deletion, gone, replayed
from jobrunner.storage.types import Long

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)


Row = tuple[str, int]
"""A row of a log, as the source of a step names it."""

MISSING: Final = 1_000
"""Rows of each log that are looked for again."""


class Place(NamedTuple):
    """How far somebody has been told: the last task, the last attempt, the last act."""

    task: int = 0
    attempt: int = 0
    act: int = 0

    def tells(self, source: Source, *, after: "Place") -> bool:
        """Whether a step comes from a row between that place and this one."""
        if source is None:
            return False
        table, number = source
        first: int = getattr(after, table)
        last: int = getattr(self, table)
        return first < number <= last


class Tale(NamedTuple):
    """What a task went through; of one that is gone only its end, without name and queue."""

    task_id: int
    name: str
    queue: str
    steps: list[Step]


class Page(NamedTuple):
    """How far it goes, and all about the tasks that rows on it are of.

    `late` are rows before it that were not there when their place was gone past, `missing` the
    newest of those that are not there now: on a server they may come yet.
    """

    place: Place
    tales: list[Tale]
    late: set[Row]
    missing: list[Row]


_LOGS: Final = {
    "task": (tasks.c.id, tasks.c.id, tasks.c.created_at),
    "attempt": (attempts.c.id, attempts.c.task_id, attempts.c.ended_at),
    "act": (status_changes.c.id, status_changes.c.task_id, status_changes.c.at),
}
"""The id of each row of a log, its task, and its moment."""

_LIMIT: Final = bindparam("limit", type_=Integer)
_FOLLOWING: Final = {
    name: select(row, task)
    .where(row > bindparam("above", type_=Long), row <= bindparam("upto", type_=Long))
    .order_by(row)
    .limit(literal_column(str(CHUNK)))
    for name, (row, task, _) in _LOGS.items()
}
_THESE: Final = {
    name: select(row, task).where(row.in_(_IDS)) for name, (row, task, _) in _LOGS.items()
}
_NEWEST: Final = {
    name: select(task, moment).order_by(row.desc()).limit(_LIMIT)
    for name, (row, task, moment) in _LOGS.items()
}
_LAST: Final = select(
    *(
        func.coalesce(select(func.max(row)).scalar_subquery(), literal_column("0", Long))
        for row, _, _ in _LOGS.values()
    )
)
_RUNNING: Final = select(tasks.c.id, tasks.c.token).where(
    tasks.c.status == literal_column("'in_progress'")
)
_NAMES: Final = select(tasks.c.id, tasks.c.queue, *NAMING).where(tasks.c.id.in_(_IDS))
_RELEASED: Final = (
    select(dependencies.c.dependent_id)
    .join(tasks, tasks.c.id == dependencies.c.dependent_id)
    .where(dependencies.c.parent_id.in_(_IDS), tasks.c.unblocked_at.is_not(None))
    .distinct()
)


def here(transaction: Connection) -> Place:
    """The end of the logs."""
    return Place._make(transaction.execute(_LAST).one())


def running(transaction: Connection) -> set[tuple[int, int]]:
    """The tasks that are in progress, each with its token."""
    return {(task_id, token) for task_id, token in transaction.execute(_RUNNING)}


def behind(
    transaction: Connection,
    place: Place,
    upto: Place,
    *,
    started: Iterable[int] = (),
    missing: Iterable[Row] = (),
) -> Page:
    """What happened behind a place, a bounded part of it, and to those that have `started`.

    Also what is on those of the `missing` rows that have come by now.
    """
    touched: set[int] = set(started)
    ended: set[int] = set()
    reached: dict[str, int] = {}
    late: set[Row] = set()
    gaps: list[Row] = []
    for name, query in _FOLLOWING.items():
        above, end = getattr(place, name), getattr(upto, name)
        found = [*transaction.execute(query, {"above": above, "upto": end})]
        reached[name] = found[-1][0] if len(found) == CHUNK else end
        gaps += _gaps(name, range(above + 1, reached[name] + 1), {row for row, _ in found})
        again = [row for table, row in missing if table == name]
        for some in chunks(again):
            come = transaction.execute(_THESE[name], {"ids": some}).all()
            late.update((name, row) for row, _ in come)
            found += come
        touched.update(task_id for _, task_id in found)
        ended.update(task_id for _, task_id in found if name != "task")
    touched |= _released(transaction, ended)
    return Page(Place(**reached), list(tales(transaction, touched)), late, gaps)


def _gaps(name: str, ids: range, found: set[int]) -> list[Row]:
    if len(ids) == len(found):
        return []
    return [(name, row) for row in ids[-MISSING:] if row not in found]


def of_late(transaction: Connection, since: datetime, *, limit: int) -> list[Tale]:
    """All about the tasks of the newest `limit` rows of each log that are not older than that.

    And about those in progress, and those that wait no more for one of these.
    """
    touched = {task_id for task_id, _ in running(transaction)}
    ended: set[int] = set()
    for name, query in _NEWEST.items():
        for task_id, moment in transaction.execute(query, {"limit": limit}):
            if moment >= since:
                touched.add(task_id)
                ended.update([task_id] if name != "task" else ())
    touched |= _released(transaction, ended)
    return list(tales(transaction, touched))


def _released(transaction: Connection, parents: Iterable[int]) -> set[int]:
    """The dependents of some tasks that wait for no parent any more, or did not once."""
    return {
        task_id
        for some in chunks(sorted(parents))
        for task_id in transaction.scalars(_RELEASED, {"ids": some})
    }


def tales(transaction: Connection, ids: Iterable[int]) -> Iterator[Tale]:
    """All about these tasks, by id."""
    for some in chunks(sorted(ids)):
        yield from _tales(transaction, some)


def _tales(transaction: Connection, ids: Sequence[int]) -> Iterator[Tale]:
    named = {
        task_id: (name_of(*naming), queue)
        for task_id, queue, *naming in transaction.execute(_NAMES, {"ids": ids})
    }
    for row, steps in replayed(transaction, ids):
        yield Tale(row.id, *named.get(row.id, ("", "")), steps)
    if len(named) < len(ids):
        for act in gone(transaction, ids):
            yield Tale(act.task_id, "", "", [deletion(act)])
