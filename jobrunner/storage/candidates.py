"""Which indexes hold the tasks that a page looks for."""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from jobrunner.core.insight import TaskQuery
from jobrunner.core.status import Status
from jobrunner.storage.counting import is_in
from jobrunner.storage.tables import tasks
from jobrunner.storage.types import Long


class Source(NamedTuple):
    """A condition that one partial index answers by itself, and what that is sorted by.

    To ask for the first and not for any keeps a server from going through the table, history and
    all, in the hope to meet one soon.
    """

    where: ColumnElement[bool]
    order: tuple[Any, ...]


Sources = list[Source]
"""No task is in two of them."""

_BY_QUEUE: Final = frozenset(Status) - {Status.SCHEDULED, Status.IN_PROGRESS}
"""The statuses whose indexes know the queue."""

_ORDER: Final[dict[Status, tuple[Any, ...]]] = {
    Status.BLOCKED: (tasks.c.queue,),
    Status.SCHEDULED: (tasks.c.run_at,),
    Status.IN_PROGRESS: (tasks.c.worker_id,),
}
_FINISHED: Final = (tasks.c.queue, tasks.c.finished_at)
_PENDING: Final = (
    (tasks.c.priority.desc(), tasks.c.id),
    (tasks.c.queue, tasks.c.lane, tasks.c.priority.desc(), tasks.c.id),
)


def sources(query: TaskQuery) -> tuple[Sources, bool]:
    """Where all that match are found, and whether all that is found there does match.

    Nothing where no index helps.
    """
    given = query.given
    if query.batch_id is not None:
        return [_of_batch(query.batch_id, query.status)], given <= {"batch_id", "status"}
    if query.status is Status.IN_PROGRESS and query.worker_id is not None:
        (running,) = is_in(Status.IN_PROGRESS)
        of_worker = running & _same(tasks.c.worker_id, query.worker_id)
        source = Source(of_worker, _ORDER[Status.IN_PROGRESS])
        return [source], given <= {"status", "worker_id"}
    if query.status is None and query.queue is None and given:
        return [], False
    statuses = [*Status] if query.status is None else [query.status]
    is_all = given <= {"status", "queue"} and (query.queue is None or {*statuses} <= _BY_QUEUE)
    return [one for status in statuses for one in _of_status(status, query.queue)], is_all


def _same(column: ColumnElement[Any], value: str | int) -> ColumnElement[bool]:
    """Equal. Not `=`: a server would see no order in equal values."""
    return column.between(value, value)


def _of_batch(batch_id: int, status: Status | None) -> Source:
    condition = _same(tasks.c.batch_id, batch_id)
    if status is not None:
        condition &= tasks.c.status == literal_column(f"'{status.value}'")
    return Source(condition, (tasks.c.batch_id, tasks.c.status))


def _of_status(status: Status, queue: str | None) -> Sources:
    orders = _PENDING if status is Status.PENDING else (_ORDER.get(status, _FINISHED),)
    found = [Source(*one) for one in zip(is_in(status), orders, strict=True)]
    if queue is None or status not in _BY_QUEUE:
        return found
    same = _same(tasks.c.queue, queue)
    first = tasks.c.queue
    return [
        Source(where & same, order if order[0] is first else (first, *order))
        for where, order in found
    ]


def ids_of(source: Source, most: int) -> Select[Any]:
    """At most so many ids of a source, whichever come first."""
    return select(tasks.c.id).where(source.where).order_by(*source.order).limit(most)


def newest_of(source: Source, most: int, before: int) -> Select[Any]:
    """The newest ids of a source. Not simply by id: that would go through all tasks by id."""
    beside = tasks.c.id + literal_column("0", Long)
    query = select(tasks.c.id).where(source.where, beside < before)
    return query.order_by(beside.desc()).limit(most)


def oldest_of(source: Source, most: int, after: int) -> Select[Any]:
    """The oldest ids of a source above one."""
    beside = tasks.c.id + literal_column("0", Long)
    return select(tasks.c.id).where(source.where, beside > after).order_by(beside).limit(most)


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
