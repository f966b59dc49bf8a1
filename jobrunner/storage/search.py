"""Find tasks for people who page through them: bounded, however many there are."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from jobrunner.core.insight import Counted, Found, TaskQuery
from jobrunner.core.task import TASK_IDS, Task, TaskSource, may_be_id
from jobrunner.storage import reads
from jobrunner.storage.candidates import (
    Sources,
    few,
    newest_of,
    number_of,
    oldest_of,
    sources,
)
from jobrunner.storage.chunks import chunks
from jobrunner.storage.tables import tasks

NEAR: Final = 2_000
"""Ids below the start that are looked at first: what is common is found among them."""

FEW: Final = 5_000
"""So many tasks of an index are looked at one by one."""

FAR: Final = 100_000
"""Ids of which a page is looked for where no index helps; then it is cut."""

COUNTED: Final = 200_000
"""The newest ids, of which matches are counted where no index helps; then they are capped."""


def find(
    transaction: Connection,
    query: TaskQuery,
    *,
    source: TaskSource,
    limit: int,
    before: int | None = None,
) -> Found:
    """The newest tasks that match, newest first; `before` goes on below an id.

    By status, queue and batch all are found, over the indexes. Where anything else is asked for
    too, and the indexes leave more than 5,000, it looks at 100,000 ids at a time and says
    `is_cut` where it has to stop; `next_before` is where to go on.
    """
    top = _top(transaction, before) if _may_match(query) else None
    if top is None:
        return Found(())
    page = _Page(transaction, query, source, limit)
    near = page.between(top - NEAR + 1, top)
    if len(near) == limit or not _any_below(transaction, top - NEAR + 1):
        return _found(near, limit)
    found, is_all = sources(query)
    if found and is_all:
        return _found(page.of(_newest(transaction, found, limit, top + 1)), limit)
    if (ids := few(transaction, found, FEW)) is not None:
        return _found(page.of([task_id for task_id in ids if task_id <= top]), limit)
    floor = top - FAR + 1
    far = page.between(floor, top)
    if len(far) < limit and _any_below(transaction, floor):
        return Found(tuple(far), is_cut=True, next_before=floor)
    return _found(far, limit)


def find_newer(
    transaction: Connection, query: TaskQuery, *, source: TaskSource, limit: int, after: int
) -> Found:
    """The tasks next above an id that match, newest first: the other way, with the same bounds."""
    top = _top(transaction, None) if _may_match(query) else None
    after = max(after, 0)
    if top is None or after >= top:
        return Found(())
    matching = _conditions(query)
    ids = _above(transaction, matching, limit, after, after + NEAR)
    is_cut = False
    if len(ids) < limit and after + NEAR < top:
        found, is_all = sources(query)
        among = None if is_all else few(transaction, found, FEW)
        if found and is_all:
            each = (transaction.scalars(oldest_of(one, limit, after)) for one in found)
            ids = sorted(task_id for some in each for task_id in some)[:limit]
        elif among is not None:
            meant = {task_id for task_id in among if task_id > after}
            ids = _above(transaction, matching, limit, after, top, meant)
        else:
            ids = _above(transaction, matching, limit, after, after + FAR)
            is_cut = len(ids) < limit and after + FAR < top
    page = reads.get_many(transaction, ids, source=source)[::-1]
    last = after + FAR if is_cut else page[0].id if len(page) == limit else None
    return Found(tuple(page), is_cut=is_cut, next_after=last)


def _above(
    transaction: Connection,
    matching: Sequence[ColumnElement[bool]],
    limit: int,
    after: int,
    top: int,
    among: Collection[int] | None = None,
) -> list[int]:
    """The lowest ids that match, above one and up to another, all or only some of them."""
    query = select(tasks.c.id).where(*matching, tasks.c.id > after, tasks.c.id <= top)
    query = query.order_by(tasks.c.id).limit(limit)
    if among is None:
        return list(transaction.scalars(query))
    found: list[int] = []
    for some in chunks(sorted(among)):
        found += transaction.scalars(query.where(tasks.c.id.in_(some)))
        if len(found) >= limit:
            break
    return found[:limit]


def count(transaction: Connection, query: TaskQuery, *, cap: int) -> Counted:
    """How many tasks match: exact up to `cap` by status, queue and batch.

    Where anything else is asked for too, and the indexes leave more than 5,000, only the newest
    200,000 ids are looked at, and `is_capped` says that there may be more.
    """
    if not _may_match(query):
        return Counted(0)
    found, is_all = sources(query)
    if found and is_all:
        return _capped(number_of(transaction, found, cap + 1), cap)
    matching = _conditions(query)
    ids = few(transaction, found, FEW)
    if ids is not None:
        each = select(func.count()).select_from(tasks)
        numbers = (
            transaction.scalar(each.where(tasks.c.id.in_(chunk), *matching)) or 0
            for chunk in chunks(ids)
        )
        return _capped(sum(numbers), cap)
    top = _top(transaction, None) or 0
    floor = top - COUNTED + 1
    newest = tasks.c.id.between(max(floor, 1), top)
    these = select(tasks.c.id).where(newest, *matching).order_by(tasks.c.id.desc())
    some = these.limit(cap + 1).subquery()
    number = transaction.scalar(select(func.count()).select_from(some)) or 0
    counted = _capped(number, cap)
    return Counted(counted.number, counted.is_capped or _any_below(transaction, floor))


def _capped(number: int, cap: int) -> Counted:
    return Counted(min(number, cap), number > cap)


def _found(page: Sequence[Task[Any]], limit: int) -> Found:
    return Found(tuple(page), next_before=page[-1].id if page and len(page) == limit else None)


def _may_match(query: TaskQuery) -> bool:
    """Whether the batch is such as there can be: SQLite's driver fails on larger numbers."""
    return query.batch_id is None or may_be_id(query.batch_id)


def _conditions(query: TaskQuery) -> list[ColumnElement[bool]]:
    met: list[ColumnElement[bool]] = []
    if query.status is not None:
        met.append(tasks.c.status == literal_column(f"'{query.status.value}'"))
    same = (tasks.c.queue, tasks.c.function, tasks.c.batch_id, tasks.c.worker_id)
    values = ((column, getattr(query, column.name)) for column in same)
    met += [column == value for column, value in values if value is not None]
    if query.error is not None:
        met.append(has_error(query.error))
    if query.text:
        met.append(has_text(query.text))
    if query.created_since is not None:
        met.append(tasks.c.created_at >= query.created_since)
    if query.created_until is not None:
        met.append(tasks.c.created_at < query.created_until)
    return met


def has_text(part: str) -> ColumnElement[bool]:
    """That this is part of what the task is called or runs, however it is written."""
    columns = (tasks.c.description, tasks.c.function, tasks.c.command)
    one, two, three = (column.icontains(part, autoescape=True) for column in columns)
    return one | two | three


def has_error(part: str) -> ColumnElement[bool]:
    """That this is part of the error, upper and lower case apart; any error if it is empty."""
    error = tasks.c.error  # not LIKE, which in a file makes no difference of case
    return func.replace(error, part, "") != error if part else error != ""


def _top(transaction: Connection, before: int | None) -> int | None:
    """The newest id, or the newest below."""
    below = TASK_IDS[-1] if before is None else max(0, min(before - 1, TASK_IDS[-1]))
    query = select(tasks.c.id).where(tasks.c.id <= below).order_by(tasks.c.id.desc())
    return transaction.scalar(query.limit(literal_column("1")))


def _any_below(transaction: Connection, floor: int) -> bool:
    return floor > TASK_IDS.start and _top(transaction, floor) is not None


def _newest(transaction: Connection, found: Sources, limit: int, before: int) -> list[int]:
    """The newest ids of all sources together."""
    each = (transaction.scalars(newest_of(one, limit, before)) for one in found)
    return sorted((task_id for some in each for task_id in some), reverse=True)[:limit]


class _Page:
    """Reads what matches among some tasks, newest first, until the page is full."""

    def __init__(
        self, transaction: Connection, query: TaskQuery, source: TaskSource, limit: int
    ) -> None:
        self._transaction = transaction
        self._matching = _conditions(query)
        self._source = source
        self._limit = limit

    def between(self, floor: int, top: int) -> list[Task[Any]]:
        return self._read(self._limit, tasks.c.id.between(max(floor, 1), top))

    def of(self, ids: list[int]) -> list[Task[Any]]:
        found: list[Task[Any]] = []
        for some in chunks(sorted(ids, reverse=True)):
            if len(found) < self._limit:
                found += self._read(self._limit - len(found), tasks.c.id.in_(some))
        return found

    def _read(self, limit: int, where: ColumnElement[bool]) -> list[Task[Any]]:
        return reads.matching(
            self._transaction, where, *self._matching, source=self._source, limit=limit
        )
