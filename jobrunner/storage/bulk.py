"""Find tasks by what they have in common, and retry, cancel or delete some in one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from jobrunner.core.bulk import Act, Refused, Wanted
from jobrunner.core.errors import TaskNotFoundError, TaskStateError
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.storage import control, deleting
from jobrunner.storage.chunks import CHUNK, chunks
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.schema import one_of
from jobrunner.storage.search import has_error, has_text
from jobrunner.storage.tables import dependencies, tasks
from jobrunner.storage.types import Moment

AT_ONCE: Final = CHUNK
"""Tasks of one transaction."""

_SINCE: Final = func.coalesce(tasks.c.finished_at, tasks.c.created_at, type_=Moment)


class Seen(NamedTuple):
    """What one transaction did: how many tasks it changed, and which it left as they are."""

    done: int
    refused: list[Refused]


def _matching(columns: Any, wanted: Wanted, act: Act) -> Select[Any]:
    """The tasks that are meant by what they have in common."""
    statuses = one_of("tasks.status", *wanted.statuses(act))
    met: list[ColumnElement[bool]] = [literal_column(f"({statuses})")]
    met += [*_same(wanted), *_between(wanted)]
    if wanted.error is not None:
        met.append(has_error(wanted.error))
    if wanted.text:
        met.append(has_text(wanted.text))
    if act is Act.CANCEL:  # whoever is asked already has nothing more to do
        met.append(tasks.c.cancel_requested_at.is_(None))
    return select(columns).select_from(tasks).where(*met)


def _same(wanted: Wanted) -> list[ColumnElement[bool]]:
    values = (
        (tasks.c.queue, wanted.queue),
        (tasks.c.function, wanted.function),
        (tasks.c.batch_id, wanted.batch_id),
        (tasks.c.worker_id, wanted.worker_id),
    )
    return [column == value for column, value in values if value is not None]


def _between(wanted: Wanted) -> list[ColumnElement[bool]]:
    met: list[ColumnElement[bool]] = []
    if wanted.older_than is not None:
        met.append(wanted.older_than > _SINCE)
    if wanted.newer_than is not None:
        met.append(wanted.newer_than <= _SINCE)
    if wanted.created_since is not None:
        met.append(tasks.c.created_at >= wanted.created_since)
    if wanted.created_until is not None:
        met.append(tasks.c.created_at < wanted.created_until)
    return met


def count(transaction: Connection, wanted: Wanted, act: Act) -> int:
    """How many tasks match."""
    return transaction.scalar(_matching(func.count(), wanted, act)) or 0


def following(
    transaction: Connection, wanted: Wanted, act: Act, *, after: int | None = None
) -> list[TaskId]:
    """The next tasks that match, a bounded number, behind the last of those before.

    The newest come first, so that a dependent goes before those that it needs; to be retried,
    the oldest, so that a parent is retried before its dependents.
    """
    query = _matching(tasks.c.id, wanted, act)
    if act is Act.RETRY:
        query = query.order_by(tasks.c.id).where(tasks.c.id > (after or 0))
    else:
        query = query.order_by(tasks.c.id.desc())
        query = query if after is None else query.where(tasks.c.id < after)
    found = transaction.scalars(query.limit(literal_column(str(AT_ONCE)))).all()
    return [TaskId(task_id) for task_id in found]


def do(
    transaction: Connection, act: Act, ids: Sequence[TaskId], wanted: Wanted, *, now: datetime
) -> Seen:
    """Do it to these tasks, as far as they still match. One that cannot be is left and named."""
    lock_tasks(transaction, around(transaction, [i for i in ids if may_be_id(i)]))
    meant = [*ids] if wanted.ids else _still(transaction, ids, wanted, act)
    if act is Act.DELETE:
        return Seen(*deleting.delete(transaction, meant, now=now))
    change: Callable[..., object] = control.retry if act is Act.RETRY else control.cancel
    seen = Seen(0, [])
    for task_id in meant:
        try:
            change(transaction, task_id, now=now)
        except (TaskNotFoundError, TaskStateError) as error:  # before anything was written
            seen.refused.append(Refused(task_id, deleting.why(error)))
    return seen._replace(done=len(meant) - len(seen.refused))


def _still(
    transaction: Connection, ids: Sequence[TaskId], wanted: Wanted, act: Act
) -> list[TaskId]:
    query = _matching(tasks.c.id, wanted, act)
    found = {
        task_id
        for some in chunks(ids)
        for task_id in transaction.scalars(query.where(tasks.c.id.in_(some)))
    }
    return [task_id for task_id in ids if task_id in found]


def around(transaction: Connection, ids: Sequence[TaskId]) -> list[int]:
    """Tasks, their parents and their dependents, in the order in which they are locked."""
    parent, dependent = dependencies.c.parent_id, dependencies.c.dependent_id
    found: set[int] = set(ids)
    for some in chunks(ids):
        edges = select(parent, dependent).where(parent.in_(some) | dependent.in_(some))
        found.update(end for edge in transaction.execute(edges) for end in edge)
    return sorted(found)
