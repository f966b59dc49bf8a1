"""Partial progress and checkpoints: what an interrupted attempt shows and resumes from."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from jobrunner.core.task import Lease, TaskId, Token
from jobrunner.storage.tables import progress, tasks

_HELD: Final = (
    select(tasks.c.id)
    .where(tasks.c.id == bindparam("task"), tasks.c.token == bindparam("held_token"))
    .with_for_update(read=True)
)
_FREE: Final = (
    select(tasks.c.id)
    .where(tasks.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(tasks.c.id)
    .with_for_update(key_share=True, skip_locked=True)
)


def save(
    transaction: Connection, task_id: TaskId, token: Token, *, now: datetime, **values: Any
) -> bool:
    """Store any of `done`, `total`, `note`, `checkpoint` for a running attempt.

    `False` says the lease is gone and nothing was written.
    """
    # A statement of its own: the next ones see what was committed while it waited for the lock.
    if transaction.scalar(_HELD, {"task": task_id, "held_token": token}) is None:
        return False
    row = {"updated_at": now, **values}
    changed = update(progress).where(progress.c.task_id == task_id).values(row)
    if not transaction.execute(changed).rowcount:
        transaction.execute(insert(progress).values(task_id=task_id, **row))
    return True


def free(transaction: Connection, task_ids: Iterable[TaskId]) -> set[TaskId]:
    """Those of these that nobody else writes to, nor can until the transaction ends.

    The others are not waited for: whoever has them may wait for one of these.
    """
    return set(transaction.scalars(_FREE, {"ids": list(task_ids)}))


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
