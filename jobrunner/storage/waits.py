"""Waits for events: begun as an attempt ends, and none that has come in between is missed.

Who sends an event and who settles a wait for it take turns by the event's name. So either the
settlement sees the event, or whoever sends it sees the wait.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, literal_column, select, text

from jobrunner.core.outcome import Ended, Waiting
from jobrunner.core.sent import EventWait
from jobrunner.core.task import TaskId, Token
from jobrunner.storage import sent
from jobrunner.storage.dialect import lock_name, lock_tasks
from jobrunner.storage.steps import hold
from jobrunner.storage.tables import tasks
from jobrunner.storage.traces import event_waits
from jobrunner.storage.types import micros


def lock(
    transaction: Connection, ended: Sequence[Ended], special: Sequence[Ended], *, now: datetime
) -> Sequence[Ended]:
    """Lock the tasks of attempts that have ended, and give the ends as they are to be settled.

    Those that wait are among the `special`; where the event has come since they looked, they are
    to run again now.
    """
    waiting = [end for end in special if isinstance(end.outcome, Waiting)]
    # Before the tasks, as whoever sends an event does.
    for name in sorted({end.outcome.event for end in waiting if isinstance(end.outcome, Waiting)}):
        lock_name(transaction, name)
    lock_tasks(transaction, [end.lease.task_id for end in ended])
    due = _begin(transaction, waiting, now=now)
    return [due.get(end.lease.task_id, end) for end in ended] if due else ended


def since(transaction: Connection, name: str, task_id: TaskId) -> datetime | None:
    """When a task first asked for an event that it has not had yet."""
    mine = (event_waits.c.task_id == task_id) & (event_waits.c.name == name)
    found: datetime | None = transaction.scalar(select(event_waits.c.since).where(mine))
    return found


def stop_waiting(transaction: Connection, task_id: TaskId, names: Sequence[str]) -> None:
    """A task has had these events, or waits for them no more."""
    mine = (event_waits.c.task_id == task_id) & event_waits.c.name.in_(names)
    transaction.execute(delete(event_waits).where(mine))


def give_up(transaction: Connection, task_id: TaskId, token: Token, name: str) -> None:
    """The wait of a running attempt was in vain; if it is retried, it begins anew."""
    if hold(transaction, task_id, token) is not None:
        stop_waiting(transaction, task_id, [name])


_WAIT: Final = text(
    "INSERT INTO event_waits (task_id, name, since, until)"
    " SELECT id, :name, :since, :until FROM tasks WHERE id = :task AND token = :held_token"
    " ON CONFLICT (task_id, name) DO UPDATE SET until = excluded.until"
)


def _begin(
    transaction: Connection, waiting: Sequence[Ended], *, now: datetime
) -> dict[TaskId, Ended]:
    """Note what attempts wait for, if their leases hold, and look once more for the events."""
    due: dict[TaskId, Ended] = {}
    for end in waiting:
        lease, outcome = end.lease, end.outcome
        if not isinstance(outcome, Waiting):
            continue
        if sent.find(transaction, outcome.event, lease.task_id) is not None:
            at_once = Waiting(outcome.event, outcome.since, now)
            due[lease.task_id] = end._replace(outcome=at_once)
        values: dict[str, Any] = {
            "name": outcome.event,
            "since": micros(outcome.since),
            "until": None if outcome.until is None else micros(outcome.until),
            "task": lease.task_id,
            "held_token": lease.token,
        }
        transaction.execute(_WAIT, values)
    return due


def every(transaction: Connection, *, task_id: int | None, limit: int) -> list[EventWait]:
    """The tasks that wait for events now, or what one of them waits for; the oldest wait first."""
    query = (
        select(event_waits)
        .join(tasks, tasks.c.id == event_waits.c.task_id)
        .where(tasks.c.status == literal_column("'scheduled'"))
        .order_by(event_waits.c.since)
        .limit(limit)
    )
    if task_id is not None:
        query = query.where(event_waits.c.task_id == task_id)
    return [EventWait(**row) for row in transaction.execute(query).mappings()]
