"""Which indexes hold the tasks that a page looks for."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from jobrunner.core.insight import TaskQuery
from jobrunner.core.status import Status
from jobrunner.storage.counting import is_in
from jobrunner.storage.tables import tasks
from jobrunner.storage.types import Long

Sources = list[ColumnElement[bool]]
"""Conditions, each of which one partial index answers by itself; no task meets two of them."""

_BY_QUEUE: Final = frozenset(Status) - {Status.SCHEDULED, Status.IN_PROGRESS}
"""The statuses whose indexes know the queue."""


def sources(query: TaskQuery) -> tuple[Sources, bool]:
    """Where all that match are found, and whether all that is found there does match.

    Nothing where no index helps.
    """
    given = query.given
    if "batch_id" in given:
        return _of_batch(query), given <= {"batch_id", "status"}
    if query.status is Status.IN_PROGRESS and query.worker_id is not None:
        (running,) = is_in(Status.IN_PROGRESS)
        return [running & (tasks.c.worker_id == query.worker_id)], given <= {"status", "worker_id"}
    if query.status is None and query.queue is None and given:
        return [], False
    statuses = [*Status] if query.status is None else [query.status]
    is_all = given <= {"status", "queue"} and (query.queue is None or {*statuses} <= _BY_QUEUE)
    return [one for status in statuses for one in _of_status(status, query.queue)], is_all


def _of_batch(query: TaskQuery) -> Sources:
    condition = tasks.c.batch_id == query.batch_id
    if query.status is not None:
        condition &= tasks.c.status == literal_column(f"'{query.status.value}'")
    return [condition]


def _of_status(status: Status, queue: str | None) -> Sources:
    if queue is None or status not in _BY_QUEUE:
        return [*is_in(status)]
    return [one & (tasks.c.queue == queue) for one in is_in(status)]


def ids_of(source: ColumnElement[bool], most: int) -> Select[Any]:
    """At most so many ids of a source, whichever come first."""
    return select(tasks.c.id).where(source).limit(most)


def newest_of(source: ColumnElement[bool], most: int, before: int) -> Select[Any]:
    """The newest ids of a source. Not simply by id: that would go through all tasks by id."""
    beside = tasks.c.id + literal_column("0", Long)
    return select(tasks.c.id).where(source, beside < before).order_by(beside.desc()).limit(most)


def oldest_of(source: ColumnElement[bool], most: int, after: int) -> Select[Any]:
    """The oldest ids of a source above one."""
    beside = tasks.c.id + literal_column("0", Long)
    return select(tasks.c.id).where(source, beside > after).order_by(beside).limit(most)


def few(transaction: Connection, found: Sources, most: int) -> list[int] | None:
    """The ids of all sources together; `None` where they are more than so many, or no source."""
    if not found:
        return None
    ids: list[int] = []
    for source in found:
        ids += transaction.scalars(ids_of(source, most + 1 - len(ids)))
        if len(ids) > most:
            return None
    return ids


def number_of(transaction: Connection, found: Sources, most: int) -> int:
    """How many tasks all sources have together, at most so many."""
    number = 0
    for source in found:
        inner = ids_of(source, most - number).subquery()
        number += transaction.scalar(select(func.count()).select_from(inner)) or 0
        if number >= most:
            break
    return number
