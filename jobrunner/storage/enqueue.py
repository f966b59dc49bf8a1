"""Store new tasks with their dependencies: all of them or none, in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, select

from jobrunner.core import extras, lane, payload
from jobrunner.core.errors import UnknownParentError
from jobrunner.core.graph import parents_first
from jobrunner.core.new_task import NewTask, Parent
from jobrunner.core.status import TO_CLAIM, Status
from jobrunner.core.task import Task, TaskId
from jobrunner.storage import notices, payloads
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import reserve_ids
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

Edge = tuple[TaskId, str]
"""A parent and what its failure means to the dependent: `cancel` or `run`."""

Row = dict[str, Any]
"""A new task as it is stored, by the names of the columns; moments in microseconds."""


def enqueue(
    transaction: Connection,
    new: Sequence[NewTask[Any]],
    *,
    now: datetime,
    before: Sequence[TaskId] = (),
) -> list[Row]:
    """Store `new` and return the rows in the same order, `after` with the ids of the parents.

    `after` and `after_any` may name tasks of the same call in any order. `before` are the ids of
    the same call whose COMMIT is in doubt.

    Raises:
        PayloadError: an argument is not JSON or too large.
        UnknownParentError: a parent does not exist.
        CycleError: tasks of this call wait for each other.
    """
    if not new:
        return []
    ids = [TaskId(number) for number in reserve_ids(transaction, len(new), before=before)]
    edges = _edges(new, ids)
    created_at = micros(now)
    rows = [_row(task, task_id, created_at) for task, task_id in zip(new, ids, strict=True)]
    if edges:
        _block(transaction, dict(zip(ids, rows, strict=True)), edges, new, created_at)
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
    given = _row(new[0], ids[0], micros(now))
    return found is not None and dict(found) == {
        name: given[name] for name in _AS_GIVEN if name != "created_at"
    } | {"created_at": now}


def _row(task: NewTask[Any], task_id: TaskId, created_at: int) -> dict[str, Any]:
    run_at = created_at + task.delay // MICROSECOND
    if task.run_at is not None:
        run_at = max(run_at, micros(task.run_at))
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
        "command": payload.encode(list(task.command), what="command") if task.command else None,
        "cwd": task.cwd,
        "args": payload.encode(list(task.args), what="args") if task.args else None,
        "kwargs": payload.encode(dict(task.kwargs), what="kwargs") if task.kwargs else None,
        "description": task.description,
        "error": None,
        "lane": lane.encode(task.concurrency_key, task.needs),
        "unique_key": None,
        "unique_in": None,
        "unique_until": None,
        "expires_at": _expires_at(task, created_at),
        "batch_id": task.batch_id,
        "extras": _extras(task) if task.cache is not None else None,
        "after": (),
    }


def _extras(task: NewTask[Any]) -> str | None:
    return extras.encode({"cache": task.cache.as_json()} if task.cache is not None else {})


def _expires_at(task: NewTask[Any], created_at: int) -> int | None:
    moments = [] if task.expires_at is None else [micros(task.expires_at)]
    if task.expires_in is not None:
        moments.append(created_at + task.expires_in // MICROSECOND)
    return min(moments, default=None)


def _edges(new: Sequence[NewTask[Any]], ids: Sequence[TaskId]) -> dict[TaskId, list[Edge]]:
    """The parents of each new task; one named twice keeps the stricter rule."""
    own = dict(zip(new, ids, strict=True))
    edges: dict[TaskId, list[Edge]] = {}
    for task, task_id in zip(new, ids, strict=True):
        if task.after or task.after_any:
            rules = dict.fromkeys(_ids(task.after_any, own), "run")
            rules |= dict.fromkeys(_ids(task.after, own), "cancel")
            edges[task_id] = list(rules.items())
    return edges


def _ids(parents: Iterable[Parent], own: dict[NewTask[Any], TaskId]) -> Iterable[TaskId]:
    for parent in parents:
        if isinstance(parent, Task):
            yield parent.id
        elif isinstance(parent, NewTask):
            if parent not in own:
                raise UnknownParentError(parent.name)
            yield own[parent]
        else:
            yield TaskId(parent)


def _block(
    transaction: Connection,
    rows: dict[TaskId, dict[str, Any]],
    edges: dict[TaskId, list[Edge]],
    new: Sequence[NewTask[Any]],
    created_at: int,
) -> None:
    """Set the status of tasks that have parents, parents first."""
    inside = {
        task_id: [parent for parent, _ in edges.get(task_id, ()) if parent in rows]
        for task_id in rows
    }
    named = dict(zip(rows, new, strict=True))
    order = parents_first(inside, name=lambda task_id: named[TaskId(task_id)].name)
    outside = {p for parents in edges.values() for p, _ in parents if p not in rows}
    statuses = _statuses(transaction, outside)
    for number in order:
        task_id = TaskId(number)
        rows[task_id]["after"] = tuple(sorted(parent for parent, _ in edges.get(task_id, ())))
        _apply_parents(rows[task_id], edges.get(task_id, ()), statuses, created_at)
        statuses[task_id] = Status(rows[task_id]["status"])


def _apply_parents(
    row: dict[str, Any], parents: Iterable[Edge], statuses: dict[TaskId, Status], now: int
) -> None:
    waiting_on = 0
    for parent, on_failure in parents:
        status = statuses[parent]
        if not status.is_final:
            waiting_on += 1
        elif status is not Status.COMPLETED and on_failure == "cancel":
            row |= {
                "status": Status.CANCELLED.value,
                "finished_at": now,
                "error": f"task {parent}, which it depends on, {said(status)}",
            }
            return
    if waiting_on:
        row |= {"status": Status.BLOCKED.value, "waiting_on": waiting_on}


def said(status: Status) -> str:
    """How a parent's end is told in a sentence."""
    return "failed" if status is Status.FAILED else "was cancelled"


def _statuses(transaction: Connection, ids: set[TaskId]) -> dict[TaskId, Status]:
    found: dict[TaskId, Status] = {}
    # Locked, so that no parent ends between this look and the edge that waits for it.
    # In one order, so that no two wait for each other.
    query = select(tasks.c.id, tasks.c.status).order_by(tasks.c.id).with_for_update(read=True)
    for chunk in chunks(sorted(ids)):
        for task_id, status in transaction.execute(query.where(tasks.c.id.in_(chunk))):
            found[TaskId(task_id)] = Status(status)
    for missing in sorted(ids - found.keys()):
        raise UnknownParentError(missing)
    return found
