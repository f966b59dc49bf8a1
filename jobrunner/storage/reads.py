"""What people and workers want to know: one consistent view a transaction."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    func,
    literal_column,
    select,
)

from jobrunner.core import lane, payload
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.history import AttemptRecord
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import TASK_IDS, Progress, Task, TaskId, TaskSource, may_be_id
from jobrunner.storage.chunks import chunks
from jobrunner.storage.payloads import WHOLE
from jobrunner.storage.tables import attempts, dependencies, progress, tasks

_INNER: Final = {"waiting_on", "token", "unique_in", "unique_until", "unblocked_at", *WHOLE}
_TASK_COLUMNS: Final = (
    *(column for column in tasks.c if column.name not in _INNER),
    *WHOLE.values(),
    progress.c.done,
    progress.c.total,
    progress.c.note,
)
_TASKS: Final = select(*_TASK_COLUMNS).outerjoin(progress, progress.c.task_id == tasks.c.id)
_running: Final = tasks.alias("running")
_RUNNING: Final = select(_running.c.id).where(_running.c.status == literal_column("'in_progress'"))


def get(transaction: Connection, task_id: int, *, source: TaskSource) -> Task[Any]:
    """Read one task.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    found = get_many(transaction, [task_id], source=source)
    if not found:
        raise TaskNotFoundError(task_id)
    return found[0]


def get_many(transaction: Connection, ids: Sequence[int], *, source: TaskSource) -> list[Task[Any]]:
    """Read tasks in the order of their ids; unknown ids are left out."""
    found: list[Task[Any]] = []
    for chunk in chunks(sorted(_possible(ids))):
        query = _TASKS.where(tasks.c.id.in_(chunk)).order_by(tasks.c.id)
        found += _tasks(transaction, query, source)
    return found


def find(
    transaction: Connection,
    *,
    source: TaskSource,
    status: Status | None = None,
    queue: str | None = None,
    function: str | None = None,
    batch_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Task[Any]]:
    """The newest tasks that match, newest first; `before` goes on below an id."""
    wanted: dict[ColumnElement[Any], Any] = {
        tasks.c.status: status,
        tasks.c.queue: queue,
        tasks.c.function: function,
        tasks.c.batch_id: batch_id,
    }
    query = _TASKS.order_by(tasks.c.id.desc()).limit(limit)
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if status is Status.IN_PROGRESS:  # few of many: not to be searched for from the newest on
        query = query.where(tasks.c.id.in_(_RUNNING))
    if batch_id is not None and not may_be_id(batch_id):
        return []
    if may_be_id(before):
        query = query.where(tasks.c.id < before)
    elif before is not None and before < TASK_IDS.start:
        return []
    return _tasks(transaction, query, source)


def _possible(ids: Iterable[int]) -> set[int]:
    """The ids that a task can have: SQLite's driver fails on larger numbers."""
    return {task_id for task_id in ids if may_be_id(task_id)}


def _tasks(transaction: Connection, query: Select[Any], source: TaskSource) -> list[Task[Any]]:
    rows = transaction.execute(query).mappings().all()
    parents = _parents(transaction, [row["id"] for row in rows])
    return [_task(row, parents.get(row["id"], ()), source) for row in rows]


def _parents(transaction: Connection, ids: Sequence[int]) -> dict[int, list[TaskId]]:
    found: dict[int, list[TaskId]] = {}
    edges = select(dependencies.c.dependent_id, dependencies.c.parent_id)
    for chunk in chunks(ids):
        query = edges.where(dependencies.c.dependent_id.in_(chunk)).order_by(
            dependencies.c.parent_id
        )
        for dependent, parent in transaction.execute(query):
            found.setdefault(dependent, []).append(TaskId(parent))
    return found


def _task(row: RowMapping, after: Iterable[TaskId], source: TaskSource) -> Task[Any]:
    values: dict[str, Any] = dict(row)
    done, total, note = values.pop("done"), values.pop("total"), values.pop("note")
    waits_in = lane.decode(values.pop("lane"))
    values |= {
        "status": Status(row["status"]),
        "command": tuple(payload.decode(row["command"])) if row["command"] else None,
        "args": tuple(payload.decode(row["args"]) or ()),
        "kwargs": payload.decode(row["kwargs"]) or {},
        "progress": None if done is None else Progress(done, total, note),
        "returned": payload.decode(values.pop("result")),
        "after": tuple(after),
        "concurrency_key": waits_in.key,
        "needs": waits_in.needs,
    }
    return Task(**values, source=source)


def history(
    transaction: Connection, task_id: int, *, newest: int | None = None
) -> list[AttemptRecord]:
    """The attempts of a task that have ended, oldest first; or only so many of the newest."""
    if not may_be_id(task_id):
        return []
    columns = [column for column in attempts.c if column.name not in {"id", "token"}]
    query = select(*columns).where(attempts.c.task_id == task_id)
    if newest is None:
        query = query.order_by(attempts.c.id)
    else:
        query = query.order_by(attempts.c.id.desc()).limit(newest)
    found = [AttemptRecord(**row) for row in transaction.execute(query).mappings()]
    return found if newest is None else found[::-1]


def matching(
    transaction: Connection, *where: ColumnElement[bool], source: TaskSource, limit: int
) -> list[Task[Any]]:
    """The newest tasks that meet these conditions, newest first."""
    query = _TASKS.where(*where).order_by(tasks.c.id.desc()).limit(limit)
    return _tasks(transaction, query, source)


def still_open(transaction: Connection, ids: Sequence[int]) -> list[TaskId]:
    """Which of these tasks have not ended.

    Raises:
        TaskNotFoundError: one of them does not exist.
    """
    query = select(tasks.c.id, tasks.c.status)
    found: dict[int, str] = {
        task_id: status
        for chunk in chunks(sorted(_possible(ids)))
        for task_id, status in transaction.execute(query.where(tasks.c.id.in_(chunk)))
    }
    for task_id in ids:
        if task_id not in found:
            raise TaskNotFoundError(task_id)
    return [TaskId(task_id) for task_id in ids if found[task_id] not in FINAL]


def _is(status: str) -> ColumnElement[bool]:
    return tasks.c.status == literal_column(f"'{status}'")


_PLAIN: Final = _is("pending") & tasks.c.lane.is_(None)
_LANED: Final = _is("pending") & tasks.c.lane.is_not(None)
_FIRST: Final[tuple[tuple[ColumnElement[bool], ColumnElement[Any]], ...]] = (
    (_PLAIN, tasks.c.queue),
    (_LANED, tasks.c.queue),
    (_is("in_progress"), tasks.c.worker_id),
    (_is("scheduled"), tasks.c.run_at),
    (_is("blocked"), tasks.c.queue),
)
"""The condition of each partial index, and what it is sorted by. To ask for the first and not for
any keeps a server from going through the table, history and all, in the hope to meet one soon."""


def _first(
    condition: ColumnElement[bool], order: ColumnElement[Any], queue: str | None
) -> Select[int]:
    query = select(tasks.c.id).where(condition)
    if queue is not None:  # not `=`: a server would see no order in one queue
        query = query.where(tasks.c.queue.between(queue, queue))
    return query.order_by(order).limit(literal_column("1"))


def nothing_left(transaction: Connection, queues: Sequence[str] = ()) -> bool:
    """Whether no task of these queues (of any, if none is named) could ever run.

    Blocked tasks need no look where all queues count: their parents are open, or they are not
    blocked.
    """
    indexes = _FIRST if queues else _FIRST[:-1]
    of: list[str | None] = [*queues] or [None]
    asked = itertools.product(indexes, of)
    return all(
        transaction.scalar(_first(where, order, queue)) is None for (where, order), queue in asked
    )


def oldest_pending(transaction: Connection) -> datetime | None:
    """Since when the longest-waiting pending task could run."""
    each = (select(func.min(tasks.c.run_at)).where(where) for where in (_PLAIN, _LANED))
    moments: list[datetime | None] = [transaction.scalar(query) for query in each]
    return min((moment for moment in moments if moment is not None), default=None)
