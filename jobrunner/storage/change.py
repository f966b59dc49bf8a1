"""Change what a task that waits is to do, when, and how: checked as a new task is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, select

from jobrunner.core import fields, payload
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.core.transition import UPDATED
from jobrunner.storage import acts, control
from jobrunner.storage.payloads import WHOLE, put, split
from jobrunner.storage.tables import payloads, tasks

_AS_THEY_ARE: Final = ("priority", "description", "queue", "timeout", "max_attempts")
_STORED: Final = select(
    tasks.c.status,
    tasks.c.function,
    tasks.c.command,
    tasks.c.run_at,
    tasks.c.expires_at,
    *WHOLE.values(),
    payloads.c.extras,
).outerjoin(payloads, payloads.c.task_id == tasks.c.id)


def change(
    transaction: Connection, task_id: TaskId, changes: Mapping[str, Any], *, now: datetime
) -> None:
    """Change a task that has not started; `changes` are fields of a `NewTask`, from now on.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it runs or has ended.
        InvalidTaskError: a value is not right; nothing was changed.
    """
    control.change(transaction, task_id, {})  # locks it, or says why that is no use
    stored = transaction.execute(_STORED.where(tasks.c.id == task_id)).mappings().one()
    new: NewTask[Any] = NewTask(**{**_work(stored), **changes})
    values: dict[str, Any] = {name: changes[name] for name in _AS_THEY_ARE if name in changes}
    if "command" in changes:
        values["command"] = payload.encode(list(new.command or ()), what="command")
    values |= _moments(stored, new, changes, now)
    texts = {
        name: payload.encode(given(getattr(new, name)), what=name) if changes[name] else None
        for name, given in (("args", list), ("kwargs", dict))
        if name in changes
    }
    if texts:
        values |= _arguments(transaction, task_id, {**stored, **texts})
    if changes:
        status = Status(values.get("status", stored["status"]))
        told = ", ".join(sorted(changes))
        acts.note(transaction, [task_id], UPDATED, now=now, status=status, detail=told)
    control.change(transaction, task_id, values)


def _work(stored: RowMapping) -> dict[str, Any]:
    """What a task runs: one that runs a function cannot come to run a command."""
    if stored["function"] is not None:
        return {"function": stored["function"]}
    return {"command": payload.decode(stored["command"])}


def _moments(
    stored: RowMapping, new: NewTask[Any], changes: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """When it may start and expires, and the status that follows; a blocked one stays blocked."""
    values: dict[str, Any] = {}
    run_at: datetime = stored["run_at"]
    if "run_at" in changes or "delay" in changes:
        run_at = max(now + new.delay, new.run_at or now)
        values["run_at"] = run_at
        if stored["status"] != Status.BLOCKED:
            values["status"] = Status.SCHEDULED if run_at > now else Status.PENDING
        if values.get("status") == stored["status"] == Status.PENDING:
            del values["run_at"]  # since then it could run
    expires_at: datetime | None = stored["expires_at"]
    if "expires_at" in changes or "expires_in" in changes:
        ends = [new.expires_at, now + new.expires_in if new.expires_in else None]
        expires_at = min((end for end in ends if end is not None), default=None)
        values["expires_at"] = expires_at
    if values and expires_at is not None and now < run_at >= expires_at:
        raise fields.invalid("expires_at", "would come before it may start")
    return values


def _arguments(
    transaction: Connection, task_id: TaskId, row: Mapping[str, Any]
) -> dict[str, str | None]:
    """Lay arguments where their length says; what is short stands in the row of the task."""
    whole = {name: row[name] for name in ("args", "kwargs", "extras")}
    (short,), apart = split([{"id": task_id, **whole}])
    transaction.execute(delete(payloads).where(payloads.c.task_id == task_id))
    put(transaction, apart)
    return {name: short[name] for name in ("args", "kwargs")}
