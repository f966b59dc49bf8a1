"""Run tasks again with all that depends on them: what is good and does not depend stays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
)

from jobrunner.core.errors import TaskNotFoundError, TaskStateError
from jobrunner.core.graph import parents_first
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.core.transition import REWOUND
from jobrunner.storage import acts, notices, regain
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.parents import Edge, apply_parents
from jobrunner.storage.prepared import Update
from jobrunner.storage.tables import dependencies, progress, tasks
from jobrunner.storage.traces import event_waits, rewinds, task_steps
from jobrunner.storage.types import Long, micros

_SPOILT: Final = {Status.FAILED, Status.CANCELLED}

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)


class _Row(NamedTuple):
    """What is known of a task; `budget` are the attempts it was given when it last began."""

    status: Status
    attempt: int
    budget: int
    run_at: int


@dataclass(frozen=True, slots=True)
class _Graph:
    """A task with all below it and the parents of these, locked."""

    root: TaskId
    below: set[TaskId]
    edges: Mapping[TaskId, Sequence[Edge]]
    rows: Mapping[TaskId, _Row]

    def of(self, *statuses: Status) -> set[TaskId]:
        """Those below, and the task itself, that have one of these statuses."""
        return {task_id for task_id in self.below if self.rows[task_id].status in statuses}


def rewind(
    transaction: Connection, task_id: TaskId, *, now: datetime, failed_only: bool = False
) -> list[TaskId]:
    """Have a task that has ended and all its descendants run again, as if they never had.

    Their attempts stay in the history; results, progress, checkpoints and steps go. Each may fail
    as often as it might at first. With `failed_only`, only those of them that failed or were
    cancelled run again, each from where it stood. Returns the ids of those that will.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it has not ended, one of them is in progress, it depends on a task that
            failed, nothing failed, or another task has a unique key of one of them.
    """
    graph = _locked(transaction, task_id)
    chosen = graph.of(*_SPOILT) if failed_only else graph.below
    _check(graph, chosen, failed_only=failed_only)
    at = micros(now)
    again = _anew(graph, chosen, at)
    if not again:
        raise TaskStateError(task_id, "has nothing below it that failed and can run again")
    regain.take_again(transaction, sorted(again), now=now)
    for status in Status:
        these = [one for one in sorted(again) if again[one][1] == status]
        acts.note(transaction, these, REWOUND, now=now, status=status)
    _RESET.run(transaction, list(again.values()))
    ran = [one for one in sorted(again) if graph.rows[one].attempt]
    _note(transaction, graph, ran, now=now)
    if not failed_only:
        for table in (progress, task_steps, event_waits):
            for some in chunks(ran):
                transaction.execute(delete(table).where(table.c.task_id.in_(some)))
    _wait_anew(transaction, graph, again)
    notices.work(transaction)
    return sorted(again)


_FIRST: Final = (
    select(dependencies.c.dependent_id.label("id"))
    .where(dependencies.c.parent_id == bindparam("task", type_=Long))
    .cte("below", recursive=True)
)
_BELOW: Final = select(
    _FIRST.union(
        select(dependencies.c.dependent_id).join(_FIRST, _FIRST.c.id == dependencies.c.parent_id)
    ).c.id
)
_EDGES: Final = select(
    dependencies.c.dependent_id, dependencies.c.parent_id, dependencies.c.on_failure
).where(dependencies.c.dependent_id.in_(_IDS))
_BEGUN: Final = (
    select(func.max(rewinds.c.attempt))
    .where(rewinds.c.task_id == tasks.c.id)
    .correlate(tasks)
    .scalar_subquery()
)
_ROWS: Final = select(
    tasks.c.id,
    tasks.c.status,
    tasks.c.attempt,
    tasks.c.max_attempts - func.coalesce(_BEGUN, literal_column("0")),
    literal_column("run_at", Long),
).where(tasks.c.id.in_(_IDS))


def _locked(transaction: Connection, task_id: TaskId) -> _Graph:
    below: set[TaskId] = {task_id} if may_be_id(task_id) else set()
    locked: set[TaskId] = set()
    edges: dict[TaskId, list[Edge]] = {}
    # Again until nothing is new: an enqueue may have put more below them before they were locked.
    while below:
        below |= {TaskId(one) for one in transaction.scalars(_BELOW, {"task": task_id})}
        edges = _edges(transaction, sorted(below))
        around = below.union(parent for parents in edges.values() for parent, _ in parents)
        if around <= locked:
            break
        lock_tasks(transaction, sorted(around))
        locked |= around
    rows = {
        TaskId(one): _Row(Status(status), *rest)
        for some in chunks(sorted(locked))
        for one, status, *rest in transaction.execute(_ROWS, {"ids": some})
    }
    if task_id not in rows:
        raise TaskNotFoundError(task_id)
    return _Graph(task_id, below, edges, rows)


def _edges(transaction: Connection, ids: Sequence[TaskId]) -> dict[TaskId, list[Edge]]:
    found: dict[TaskId, list[Edge]] = {}
    for some in chunks(ids):
        for dependent, parent, rule in transaction.execute(_EDGES, {"ids": some}):
            found.setdefault(dependent, []).append((parent, rule))
    return found


def _check(graph: _Graph, chosen: set[TaskId], *, failed_only: bool) -> None:
    if not chosen:
        raise TaskStateError(graph.root, "has not failed, and nothing below it has")
    if failed_only:
        return
    status = graph.rows[graph.root].status
    if not status.is_final:
        raise TaskStateError(graph.root, f"is {status}; only what has ended can be rewound")
    for running in sorted(graph.of(Status.IN_PROGRESS)):
        raise TaskStateError(
            running,
            f"is in progress, and depends on task {graph.root}",
            hint=f"Wait for it, or stop it: jobrunner task cancel {running}.",
        )


_RESET: Final = Update(
    tasks,
    match=("id",),
    set_=("status", "waiting_on", "run_at", "max_attempts", "finished_at", "error"),
    also="crashes = 0, result = NULL, started_at = NULL, worker_id = NULL,"
    " cancel_requested_at = NULL",
    returning="id",
)


def _anew(graph: _Graph, chosen: set[TaskId], at: int) -> dict[TaskId, tuple[Any, ...]]:
    """The rows of those that run again, as if they were stored now.

    Those that could never run stay as they are: no parent of theirs runs again.
    """
    inside = {
        task_id: [parent for parent, _ in graph.edges.get(task_id, ()) if parent in graph.below]
        for task_id in graph.below
    }
    statuses = {task_id: row.status for task_id, row in graph.rows.items()}
    again: dict[TaskId, tuple[Any, ...]] = {}
    for task_id in parents_first(inside, name=str):
        if task_id not in chosen:
            continue
        row = _fresh(graph.rows[task_id], at)
        apply_parents(row, graph.edges.get(task_id, ()), statuses, at)
        if row["status"] == Status.CANCELLED:
            if task_id == graph.root:
                hint = "Retry that one first."
                raise TaskStateError(task_id, f"cannot run again: {row['error']}", hint=hint)
            continue
        statuses[task_id] = Status(row["status"])
        again[task_id] = (task_id, *row.values())
    return again


def _fresh(known: _Row, at: int) -> dict[str, Any]:
    """What is set of a task that waits for nobody, in the order in which it is set."""
    run_at = at if known.attempt else max(known.run_at, at)
    return {
        "status": (Status.SCHEDULED if run_at > at else Status.PENDING).value,
        "waiting_on": 0,
        "run_at": run_at,
        "max_attempts": known.attempt + known.budget,
        "finished_at": None,
        "error": None,
    }


def _note(transaction: Connection, graph: _Graph, ran: Iterable[TaskId], *, now: datetime) -> None:
    rows = [{"task_id": one, "attempt": graph.rows[one].attempt, "at": now} for one in ran]
    if rows:
        transaction.execute(insert(rewinds), rows)


_WAIT: Final = Update(
    tasks, match=("id",), set_=("waiting_on",), also="token = NULL", returning="id"
)


def _wait_anew(
    transaction: Connection, graph: _Graph, again: Mapping[TaskId, tuple[Any, ...]]
) -> None:
    """Have what is blocked, and was not set itself, wait for what runs again."""
    rows: list[tuple[Any, ...]] = []
    for task_id in sorted(graph.of(Status.BLOCKED) - again.keys()):
        parents = [parent for parent, _ in graph.edges[task_id]]
        waiting_on = sum(
            parent in again or not graph.rows[parent].status.is_final for parent in parents
        )
        rows.append((task_id, waiting_on))
    _WAIT.run(transaction, rows)
