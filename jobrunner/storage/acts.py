"""Write down what is done to tasks besides running them: rare, and what else would be forgotten.

Where an act wipes what a row says, it is noted before; where it ends a task, behind it. None of it
stands in the way of a task that is claimed, run and settled.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
)

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.core.transition import CANCELLED, DELETED
from jobrunner.storage.chunks import chunks
from jobrunner.storage.tables import attempts, tasks
from jobrunner.storage.traces import status_changes
from jobrunner.storage.types import Long, Moment

DELETED_KEPT_FOR: Final = timedelta(days=90)
"""How long it is known of a task that it was deleted."""

PRUNE_AT_ONCE: Final = 500

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_NOW: Final = bindparam("now", type_=Moment)
_WHAT: Final = bindparam("what", type_=Text)
# Not the largest of all ids that has the task: a server that knows nothing of the table yet would
# look for that from its end.
_last: Final[Any] = (
    select(
        func.coalesce(
            func.max(attempts.c.id + literal_column("0", Long)), literal_column("0", Long)
        )
    )
    .where(attempts.c.task_id == tasks.c.id)
    .correlate(tasks)
    .scalar_subquery()
)
_NAMES: Final = (
    "task_id",
    "at",
    "what",
    "run_at",
    "unblocked_at",
    "last_attempt",
    "was",
    "status",
    "detail",
)


def _noting(was: Any, status: Any, detail: Any, *, once: bool = False) -> Any:
    row = (tasks.c.id, _NOW, _WHAT, tasks.c.run_at, tasks.c.unblocked_at, _last)
    which = select(*row, was, status, detail).where(tasks.c.id.in_(_IDS)).order_by(tasks.c.id)
    if once:
        same = (
            (status_changes.c.task_id == tasks.c.id)
            & (status_changes.c.what == _WHAT)
            & (status_changes.c.was == tasks.c.status)
            & (status_changes.c.status == status)
            & (status_changes.c.last_attempt == _last)
        )
        which = which.where(~exists().where(same))
    return insert(status_changes).from_select([*_NAMES], which)


_WAS: Final = bindparam("was", type_=Text)
_STATUS: Final = bindparam("status", type_=Text)
_DETAIL: Final = bindparam("detail", type_=Text)
_BEFORE: Final = _noting(tasks.c.status, _STATUS, _DETAIL)
_ONCE: Final = _noting(tasks.c.status, _STATUS, _DETAIL, once=True)
_OVER: Final = _noting(_WAS, tasks.c.status, tasks.c.error)


def note(
    transaction: Connection,
    ids: Sequence[int],
    what: str,
    *,
    now: datetime,
    status: Status,
    detail: str | None = None,
    once: bool = False,
) -> None:
    """Write down what will be done to tasks now, and the status that they will have.

    With `once`, what was done before to a task that has not run since is not written down again.
    """
    values = {"now": now, "what": what, "status": status.value, "detail": detail}
    for some in chunks(ids):
        transaction.execute(_ONCE if once else _BEFORE, {"ids": some, **values})


def over(
    transaction: Connection,
    ids: Sequence[int],
    *,
    was: Status,
    now: datetime,
    what: str = CANCELLED,
) -> None:
    """Write down that tasks were just ended without having run, why, and how they stood before."""
    for some in chunks(ids):
        values = {"ids": some, "now": now, "what": what, "was": was.value}
        transaction.execute(_OVER, values)


def gone(transaction: Connection, was: Sequence[tuple[TaskId, Status]], *, now: datetime) -> None:
    """Write down that tasks were deleted by hand: the last that is known of them."""
    rows = [
        {"task_id": task_id, "was": status.value, "at": now, "what": DELETED}
        | {"run_at": now, "last_attempt": 0}
        for task_id, status in was
    ]
    if rows:
        transaction.execute(insert(status_changes), rows)


def forget(transaction: Connection, ids: Sequence[int]) -> None:
    """Forget what was done to tasks that are gone."""
    for some in chunks(ids):
        transaction.execute(delete(status_changes).where(status_changes.c.task_id.in_(some)))


def prune(transaction: Connection, *, now: datetime) -> int:
    """Forget the tasks that were deleted long ago, a bounded number at once; returns how many."""
    old = (
        select(status_changes.c.id)
        .where(status_changes.c.status.is_(None), status_changes.c.at < now - DELETED_KEPT_FOR)
        .order_by(status_changes.c.at)
        .limit(literal_column(str(PRUNE_AT_ONCE)))
    )
    these = delete(status_changes).where(status_changes.c.id.in_(old.scalar_subquery()))
    return transaction.execute(these).rowcount
