"""Partial progress and checkpoints: what an interrupted attempt shows and resumes from."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, exists, insert, literal, select, update

from jobrunner.core.task import Lease, TaskId, Token
from jobrunner.storage.tables import progress, tasks

_HELD: Final = exists(
    select(tasks.c.id)
    .where(tasks.c.id == bindparam("task"), tasks.c.token == bindparam("held_token"))
    .with_for_update(read=True)
)


def save(
    transaction: Connection, task_id: TaskId, token: Token, *, now: datetime, **values: Any
) -> bool:
    """Store any of `done`, `total`, `note`, `checkpoint` for a running attempt.

    `False` says the lease is gone and nothing was written.
    """
    fence = {"task": task_id, "held_token": token}
    changed = update(progress).where(progress.c.task_id == task_id, _HELD)
    if transaction.execute(changed.values(updated_at=now, **values), fence).rowcount:
        return True
    row = {"task_id": task_id, "updated_at": now, **values}
    fresh = select(*(literal(value, progress.c[name].type) for name, value in row.items()))
    missing = ~exists().where(progress.c.task_id == task_id)
    stored = insert(progress).from_select(list(row), fresh.where(_HELD, missing))
    return transaction.scalar(stored.returning(progress.c.task_id), fence) is not None


_TOKENS: Final = select(tasks.c.id, tasks.c.token).where(
    tasks.c.id.in_(bindparam("ids", expanding=True))
)


def lost(transaction: Connection, leases: Iterable[Lease]) -> list[Lease]:
    """Which of these leases are gone: their attempts may write nothing, and need not go on."""
    leases = list(leases)
    rows = transaction.execute(_TOKENS, {"ids": [lease.task_id for lease in leases]})
    held = {(task_id, token) for task_id, token in rows}
    return [lease for lease in leases if (lease.task_id, lease.token) not in held]


def checkpoint(transaction: Connection, task_id: TaskId) -> str | None:
    """The last checkpoint of a task, as JSON text."""
    found: str | None = transaction.scalar(
        select(progress.c.checkpoint).where(progress.c.task_id == task_id)
    )
    return found
