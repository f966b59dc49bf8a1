"""Steps of a task that are done, each with its result, written under the lease of its attempt."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, text

from jobrunner.core.history import StepRecord
from jobrunner.core.payload import decode
from jobrunner.core.task import TaskId, Token, WorkerId
from jobrunner.storage.tables import tasks
from jobrunner.storage.traces import task_steps
from jobrunner.storage.types import micros

_HOLD: Final[Any] = (
    select(tasks.c.worker_id)
    .where(tasks.c.id == bindparam("task"), tasks.c.token == bindparam("held_token"))
    .with_for_update(key_share=True)
)


def hold(transaction: Connection, task_id: TaskId, token: Token) -> WorkerId | None:
    """Prove a lease until the transaction ends: whoever takes the task away waits for that.

    Gives the worker that holds it; `None` says that the lease is gone, and to write nothing.
    """
    found: str | None = transaction.scalar(_HOLD, {"task": task_id, "held_token": token})
    return None if found is None else WorkerId(found)


# One that is there already is our own, of a COMMIT that raised and had worked all the same.
_KEEP: Final = text(
    "INSERT INTO task_steps (task_id, name, result, stored_at)"
    " VALUES (:task_id, :name, :result, :stored_at)"
    " ON CONFLICT (task_id, name) DO UPDATE SET result = excluded.result"
)


def keep(
    transaction: Connection,
    task_id: TaskId,
    token: Token,
    *,
    results: Mapping[str, str | None],
    now: datetime,
) -> bool:
    """Store results, JSON text, by the names of their steps; `False`: the lease is gone."""
    if hold(transaction, task_id, token) is None:
        return False
    rows = [
        {"task_id": task_id, "name": name, "result": result, "stored_at": micros(now)}
        for name, result in results.items()
    ]
    transaction.execute(_KEEP, rows)
    return True


_NAMES: Final = select(task_steps.c.name).where(task_steps.c.task_id == bindparam("task"))
_RESULT: Final = select(task_steps.c.result).where(
    task_steps.c.task_id == bindparam("task"), task_steps.c.name == bindparam("step")
)


def names(transaction: Connection, task_id: TaskId) -> set[str]:
    """The steps of a task that are done."""
    return set(transaction.scalars(_NAMES, {"task": task_id}))


def every(transaction: Connection, task_id: int, *, limit: int) -> list[StepRecord]:
    """The steps of a task that are done, oldest first, at most so many."""
    query = select(task_steps).where(task_steps.c.task_id == task_id)
    query = query.order_by(task_steps.c.stored_at, task_steps.c.name).limit(limit)
    return [
        StepRecord(name=row["name"], result=decode(row["result"]), stored_at=row["stored_at"])
        for row in transaction.execute(query).mappings()
    ]


def result(transaction: Connection, task_id: TaskId, name: str) -> str | None:
    """The result of a step that is done, JSON text."""
    found: str | None = transaction.scalar(_RESULT, {"task": task_id, "step": name})
    return found
