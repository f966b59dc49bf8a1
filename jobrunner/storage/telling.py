"""Tell stored hooks of an end: by tasks that are written together with it, or not at all."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, bindparam, literal_column, select, update

from jobrunner.core import payload
from jobrunner.core.hook import HOOKS_QUEUE, TEST, WEBHOOK, Hook
from jobrunner.core.new_task import NewTask
from jobrunner.core.task import TaskId
from jobrunner.storage import event_hooks, payloads
from jobrunner.storage.chunks import chunks
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.tables import tasks

ATTEMPTS: Final = 10
"""How often an event is sent before it is given up, some twenty minutes after the first time."""

SEND_WITHIN: Final = timedelta(seconds=60)
"""After which one attempt to send it is stopped, whatever the other side does."""

TOLD: Final = 500
"""Characters of a text that an event tells: an end must not fail because somebody wrote much."""

ANY_IS_ACTIVE: Final = "EXISTS (SELECT 1 FROM event_hooks WHERE paused_at IS NULL)"
"""Whether an end is to be told to anybody, to be asked together with something else."""

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_ENDED: Final = select(
    tasks.c.id,
    tasks.c.status,
    tasks.c.queue,
    tasks.c.function,
    tasks.c.description,
    tasks.c.priority,
    tasks.c.attempt,
    tasks.c.max_attempts,
    tasks.c.crashes,
    tasks.c.created_at,
    tasks.c.started_at,
    tasks.c.finished_at,
    tasks.c.error,
    tasks.c.batch_id,
).where(tasks.c.id.in_(_IDS), tasks.c.queue != literal_column(f"'{HOOKS_QUEUE}'"))


def tell(transaction: Connection, ended: Iterable[TaskId], *, now: datetime) -> None:
    """Store the tasks that tell of these ends, in the transaction that writes the ends.

    So none is lost, and none is sent of an end that was rolled back.
    """
    hooks = event_hooks.active(transaction)
    if not hooks:
        return
    for some in chunks(list(ended)):
        new = [
            (hook, f"task {row.id} {row.status}", _event(row))
            for row in transaction.execute(_ENDED, {"ids": some}).all()
            for hook in hooks
            if row.status in hook.events and hook.queue in {None, row.queue}
        ]
        _store(transaction, new, now=now)


def test(transaction: Connection, name: str, *, now: datetime) -> TaskId:
    """Store a task that tells a hook of nothing, to see whether that arrives; returns its id.

    Raises:
        HookNotFoundError: there is none of that name.
    """
    event = {"type": f"hook.{TEST}", "timestamp": _moment(now), "data": {"hook": name}}
    (task_id,) = _store(transaction, [(event_hooks.get(transaction, name), TEST, event)], now=now)
    return task_id


Telling = tuple[Hook, str, dict[str, Any]]
"""Who is told, of what in a few words, and the event itself."""


def _store(transaction: Connection, new: Sequence[Telling], *, now: datetime) -> list[TaskId]:
    tellers = [_teller(*telling) for telling in new]
    ids = [TaskId(row["id"]) for row in enqueue(transaction, tellers, now=now)]
    seen_by_commands = [
        (task_id, None, None, _extras(event))
        for task_id, (hook, _, event) in zip(ids, new, strict=True)
        if hook.command
    ]
    if seen_by_commands:  # a command has no arguments of its own: it finds the event in `extras`
        apart = [task_id for task_id, *_ in seen_by_commands]
        for some in chunks(apart):
            these = update(tasks).where(tasks.c.id.in_(some))
            transaction.execute(these.values(args=payloads.APART))
        payloads.put(transaction, seen_by_commands)
    return ids


def _teller(hook: Hook, what: str, event: dict[str, Any]) -> NewTask[Any]:
    work: dict[str, Any] = {"command": hook.command}
    if hook.url:
        work = {"function": WEBHOOK, "kwargs": {"hook_id": hook.id, "event": event}}
        work["timeout"] = SEND_WITHIN
    return NewTask(
        **work,
        queue=HOOKS_QUEUE,
        description=f"hook {hook.name}: {what}",
        max_attempts=ATTEMPTS,
    )


def _extras(event: dict[str, Any]) -> str:
    told = payload.encode(event, what="event")
    return payload.encode({"environment": {"JOBRUNNER_EVENT": told}}, what="event")


def _event(row: Any) -> dict[str, Any]:
    """What is told of an end: the task without its arguments and its result."""
    return {
        "type": f"task.{row.status}",
        "timestamp": _moment(row.finished_at),
        "data": {name: _told(value) for name, value in row._mapping.items()},  # noqa: SLF001 — as above
    }


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return _moment(value)
    return value[:TOLD] if isinstance(value, str) else value


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
