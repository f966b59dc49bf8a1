"""Store new tasks with their dependencies: all of them or none, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, select

from jobrunner.core import lane, payload
from jobrunner.core.new_task import NewTask
from jobrunner.core.results import ARGV, FILE, RESULT, WANTS, Encoder
from jobrunner.core.status import TO_CLAIM, Status
from jobrunner.core.task import TaskId
from jobrunner.storage import notices, payloads
from jobrunner.storage.dialect import reserve_ids
from jobrunner.storage.parents import Membership, block, edges_of, finder
from jobrunner.storage.payloads import WHOLE
from jobrunner.storage.prepared import Insert
from jobrunner.storage.tables import dependencies, tasks
from jobrunner.storage.types import MICROSECOND, micros

_TASK_COLUMNS: Final = (
    "id",
    "status",
    "queue",
    "priority",
    "run_at",
    "max_attempts",
    "waiting_on",
    "timeout",
    "created_at",
    "finished_at",
    "function",
    "command",
    "cwd",
    "args",
    "kwargs",
    "description",
    "error",
    "lane",
    "unique_key",
    "unique_in",
    "unique_until",
    "expires_at",
    "batch_id",
)
_in_order: Final = itemgetter(*_TASK_COLUMNS)
_INSERT_TASKS: Final = Insert(tasks, _TASK_COLUMNS)
_INSERT_EDGES: Final = Insert(dependencies, ("parent_id", "dependent_id", "on_failure"))

Row = dict[str, Any]
"""A new task as it is stored, by the names of the columns; moments in microseconds."""


def enqueue(
    transaction: Connection,
    new: Sequence[NewTask[Any]],
    *,
    now: datetime,
    before: Sequence[TaskId] = (),
    membership: Membership | None = None,
) -> list[Row]:
    """Store `new` and return the rows in the same order, `after` with the ids of the parents.

    `after` and `after_any` may name tasks of the same call in any order. `before` are the ids of
    the same call whose COMMIT is in doubt. `membership` makes a batch of them.

    Raises:
        PayloadError: an argument is not JSON or too large.
        UnknownParentError: a parent does not exist.
        CycleError: tasks of this call wait for each other.
    """
    if not new:
        return []
    ids = [TaskId(number) for number in reserve_ids(transaction, len(new), before=before)]
    pairs, created_at = list(zip(new, ids, strict=True)), micros(now)
    encoder = Encoder(finder(dict(pairs)))
    rows = [_row(task, task_id, created_at, encoder) for task, task_id in pairs]
    wants = {row["id"]: row["wants"] for row in rows if row["wants"]}
    edges = edges_of(pairs, wants, membership, find=encoder.find)
    if edges:
        by_id = dict(zip(ids, rows, strict=True))
        block(transaction, by_id, edges, new=pairs, membership=membership, now=created_at)
    if membership:
        for (task, _), row in zip(pairs, rows, strict=True):
            row["batch_id"] = None if task in membership.callbacks else membership.batch_id
    short, apart = payloads.split(rows)
    _INSERT_TASKS.run(transaction, [_in_order(row) for row in short])
    payloads.put(transaction, apart)
    links = [
        (parent, task_id, on_failure)
        for task_id, parents in edges.items()
        for parent, on_failure in parents
    ]
    _INSERT_EDGES.run(transaction, links)
    notices.work(transaction, {row["queue"] for row in rows if row["status"] in TO_CLAIM})
    return rows


_AS_GIVEN: Final = ("created_at", "queue", "function", "command", "args", "kwargs", "description")
"""What a task keeps from its enqueueing, whatever has become of it since."""
_GIVEN: Final = [WHOLE[name] if name in WHOLE else tasks.c[name] for name in _AS_GIVEN]


def is_stored(
    transaction: Connection, new: Sequence[NewTask[Any]], ids: Sequence[TaskId], *, now: datetime
) -> bool:
    """Whether a call of `enqueue` that gave these ids has been committed.

    The ids alone do not tell: when it was rolled back, they went to whoever came next.
    """
    query = select(*_GIVEN).where(tasks.c.id == ids[0])
    found = transaction.execute(query).mappings().one_or_none()
    encoder = Encoder(finder(dict(zip(new, ids, strict=True))))
    given = _row(new[0], ids[0], micros(now), encoder)
    return found is not None and dict(found) == {
        name: given[name] for name in _AS_GIVEN if name != "created_at"
    } | {"created_at": now}


def _row(task: NewTask[Any], task_id: TaskId, created_at: int, encoder: Encoder) -> dict[str, Any]:
    run_at = created_at + task.delay // MICROSECOND
    if task.run_at is not None:
        run_at = max(run_at, micros(task.run_at))
    extras: dict[str, Any] = {}
    args = encoder.arguments(list(task.args), what="args") if task.args else None
    kwargs = encoder.arguments(dict(task.kwargs), what="kwargs") if task.kwargs else None
    command = _command(task, encoder, extras) if task.command else None
    return {
        "id": task_id,
        "status": Status.SCHEDULED.value if run_at > created_at else Status.PENDING.value,
        "queue": task.queue,
        "priority": task.priority,
        "run_at": run_at,
        "max_attempts": task.max_attempts,
        "waiting_on": 0,
        "timeout": task.timeout // MICROSECOND if task.timeout else None,
        "created_at": created_at,
        "finished_at": None,
        "function": task.function,
        "command": command,
        "cwd": task.cwd,
        "args": args,
        "kwargs": kwargs,
        "description": task.description,
        "error": None,
        "lane": lane.encode(task.concurrency_key, task.needs),
        "unique_key": None,
        "unique_in": None,
        "unique_until": None,
        "expires_at": _expires_at(task, created_at),
        "batch_id": None,
        "wants": (wants := encoder.taken()),
        "extras": _extras(task, extras, wants),
        "after": (),
    }


def _command(task: NewTask[Any], encoder: Encoder, extras: dict[str, Any]) -> str:
    words, places = encoder.argv(task.command)
    if places:
        extras[ARGV] = places
    return payload.encode(words, what="command")


def _extras(task: NewTask[Any], extras: dict[str, Any], wants: Sequence[TaskId]) -> str | None:
    if wants:
        extras[WANTS] = True
    if task.results:
        extras[FILE] = True
    if task.result != "exit_code":
        extras[RESULT] = task.result
    return payload.encode(extras, what="extras") if extras else None


def _expires_at(task: NewTask[Any], created_at: int) -> int | None:
    moments = [] if task.expires_at is None else [micros(task.expires_at)]
    if task.expires_in is not None:
        moments.append(created_at + task.expires_in // MICROSECOND)
    return min(moments, default=None)
