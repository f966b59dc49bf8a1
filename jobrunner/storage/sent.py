"""Events that tasks wait for: sent, found, forgotten; the other side is in `waits`."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, literal_column, select, update

from jobrunner.core import payload
from jobrunner.core.errors import TaskNotFoundError, TaskStateError
from jobrunner.core.sent import SentEvent
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.storage import notices
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import lock_name, lock_tasks
from jobrunner.storage.tables import tasks
from jobrunner.storage.traces import event_waits, sent_events

FOR_ALL: Final = 0
"""Stands in place of a task's id for an event that is for all."""

KEPT_FOR: Final = timedelta(days=7)
PRUNE_AT_ONCE: Final = 500

_SCHEDULED: Final = tasks.c.status == literal_column("'scheduled'")


def send(
    transaction: Connection, name: str, value: str | None, *, task_id: int | None, now: datetime
) -> int:
    """Store an event, in place of an earlier one, and have those run that wait for it.

    `value` is JSON text. Returns how many there are.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it has ended.
    """
    lock_name(transaction, name)
    if task_id is not None:
        _check_open(transaction, task_id)
    key = {"name": name, "task_id": FOR_ALL if task_id is None else task_id}
    same = (sent_events.c.name == name) & (sent_events.c.task_id == key["task_id"])
    transaction.execute(delete(sent_events).where(same))
    transaction.execute(insert(sent_events).values(**key, payload=value, sent_at=now))
    waiting = select(event_waits.c.task_id).where(event_waits.c.name == name)
    if task_id is not None:
        waiting = waiting.where(event_waits.c.task_id == task_id)
    woken = 0
    for some in chunks(sorted(transaction.scalars(waiting))):
        lock_tasks(transaction, some)  # one that is being settled is waited for
        due = update(tasks).where(tasks.c.id.in_(some), _SCHEDULED).values(run_at=now)
        woken += transaction.execute(due).rowcount
    if woken:
        notices.work(transaction)
    return woken


def _check_open(transaction: Connection, task_id: int) -> None:
    query = select(tasks.c.status).where(tasks.c.id == task_id)
    status = transaction.scalar(query) if may_be_id(task_id) else None
    if status is None:
        raise TaskNotFoundError(task_id)
    if Status(status).is_final:
        raise TaskStateError(task_id, f"has ended already: it is {status}")


_FIND: Final = (
    select(sent_events.c.payload)
    .where(
        sent_events.c.name == bindparam("event"),
        (sent_events.c.task_id == bindparam("task")) | (sent_events.c.task_id == FOR_ALL),
    )
    .order_by(sent_events.c.task_id.desc())
)


def find(transaction: Connection, name: str, task_id: TaskId) -> tuple[str | None] | None:
    """The payload of an event, JSON text, if it was sent to this task, or else to all."""
    found = transaction.execute(_FIND, {"event": name, "task": task_id}).first()
    return None if found is None else (found[0],)


def every(transaction: Connection, *, limit: int) -> list[SentEvent]:
    """The events there are, the newest first."""
    query = select(sent_events).order_by(sent_events.c.sent_at.desc()).limit(limit)
    return [
        SentEvent(
            name=row.name,
            task_id=TaskId(row.task_id) if row.task_id else None,
            payload=payload.decode(row.payload),
            sent_at=row.sent_at,
        )
        for row in transaction.execute(query)
    ]


def prune(transaction: Connection, *, now: datetime) -> int:
    """Forget events that were sent long ago, a bounded number at once; returns how many."""
    old = (
        select(sent_events.c.name, sent_events.c.task_id)
        .where(sent_events.c.sent_at < now - KEPT_FOR)
        .order_by(sent_events.c.sent_at)
        .limit(literal_column(str(PRUNE_AT_ONCE)))
    )
    gone = delete(sent_events).where(
        sent_events.c.name == bindparam("event"),
        sent_events.c.task_id == bindparam("task"),
        sent_events.c.sent_at < now - KEPT_FOR,
    )
    found = [{"event": name, "task": task_id} for name, task_id in transaction.execute(old)]
    if found:
        transaction.execute(gone, found)
    return len(found)
