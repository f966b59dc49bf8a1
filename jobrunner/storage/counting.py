"""How many tasks stand where, from the partial indexes alone: a million in 50 ms."""

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Text, func, literal_column, select, union_all

from jobrunner.core.status import FINAL, Status
from jobrunner.storage.tables import tasks


def is_in(status: Status) -> tuple[ColumnElement[bool], ...]:
    """The conditions of the indexes that hold the tasks of a status, one each."""
    found = tasks.c.status == literal_column(f"'{status.value}'")
    if status in FINAL:
        return (found & tasks.c.finished_at.is_not(None),)
    if status is Status.PENDING:
        return found & tasks.c.lane.is_(None), found & tasks.c.lane.is_not(None)
    return (found,)


def _each(*columns: Any) -> Any:
    """Each status for itself: all at once, SQLite would go through the table."""
    queries: list[Any] = []
    for status in Status:
        name = literal_column(f"'{status.value}'", Text)
        for condition in is_in(status):
            query = select(name, *columns, func.count()).select_from(tasks).where(condition)
            queries.append(query.group_by(*columns))
    return union_all(*queries)


_COUNTS: Final = _each()
_BY_QUEUE: Final = _each(tasks.c.queue)


def counts(transaction: Connection) -> dict[Status, int]:
    """How many tasks stand where; every status is named."""
    found = dict.fromkeys(Status, 0)
    rows: Any = transaction.execute(_COUNTS)
    for status, number in rows:
        found[Status(status)] += number
    return found


def by_queue(transaction: Connection) -> dict[str, dict[Status, int]]:
    """The same of each queue that has tasks; a status without any may be left out."""
    found: defaultdict[str, dict[Status, int]] = defaultdict(dict)
    rows: Any = transaction.execute(_BY_QUEUE)
    for status, queue, number in rows:
        own = found[queue]
        own[Status(status)] = own.get(Status(status), 0) + number
    return found
