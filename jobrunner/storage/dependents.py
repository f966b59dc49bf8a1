"""What the end of a task means to those that wait for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.storage.enqueue import chunks, said
from jobrunner.storage.tables import Moment, dependencies, tasks

_BLOCKED: Final = tasks.c.status == literal_column("'blocked'")
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_NOW: Final = bindparam("now", type_=Moment)


def settle_dependents(
    transaction: Connection, ended: Mapping[TaskId, Status], *, now: datetime
) -> list[tuple[TaskId, TaskId]]:
    """Release or cancel the dependents of tasks that have just ended, in whatever depth.

    Returns (dependent, parent) for each dependent that was cancelled.
    """
    parents = _with_dependents(transaction, list(ended))
    failed = [task_id for task_id in parents if ended[task_id] is not Status.COMPLETED]
    doomed = _cancel(transaction, failed, ended, now=now) if failed else []
    completed = [task_id for task_id in parents if ended[task_id] is Status.COMPLETED]
    _release(transaction, completed, now=now)
    # Edges that let the dependent run anyway, below all that did not complete.
    unsuccessful = failed + [dependent for dependent, _ in doomed]
    _release(transaction, unsuccessful, now=now, only_run_anyway=True)
    return doomed


_PARENTS: Final = (
    select(dependencies.c.parent_id).where(dependencies.c.parent_id.in_(_IDS)).distinct()
)


def _with_dependents(transaction: Connection, ids: Sequence[TaskId]) -> list[TaskId]:
    return [
        TaskId(parent)
        for chunk in chunks(ids)
        for parent in transaction.scalars(_PARENTS, {"ids": chunk})
    ]


def _release_statement(*, only_run_anyway: bool) -> Any:
    open_edges = select(dependencies.c.dependent_id, func.count().label("ended")).where(
        dependencies.c.parent_id.in_(_IDS)
    )
    if only_run_anyway:
        open_edges = open_edges.where(dependencies.c.on_failure == literal_column("'run'"))
    ended = open_edges.group_by(dependencies.c.dependent_id).subquery()
    left: Any = tasks.c.waiting_on - ended.c.ended
    return (
        update(tasks)
        .where(tasks.c.id == ended.c.dependent_id, _BLOCKED)
        .values(
            waiting_on=left,
            status=case(
                (left > 0, literal_column("'blocked'", Text)),
                (tasks.c.run_at > _NOW, literal_column("'scheduled'", Text)),
                else_=literal_column("'pending'", Text),
            ),
            # From here on it could run: the wait that people see starts now.
            run_at=case((tasks.c.run_at > _NOW, tasks.c.run_at), else_=_NOW),
        )
    )


_RELEASE: Final = _release_statement(only_run_anyway=False)
_RELEASE_RUN_ANYWAY: Final = _release_statement(only_run_anyway=True)


def _release(
    transaction: Connection,
    parents: Sequence[TaskId],
    *,
    now: datetime,
    only_run_anyway: bool = False,
) -> None:
    statement = _RELEASE_RUN_ANYWAY if only_run_anyway else _RELEASE
    for chunk in chunks(parents):
        transaction.execute(statement, {"ids": chunk, "now": now})


def _doomed_statement() -> Any:
    """Every blocked task below `ids` over edges that cancel, with a parent that dooms it."""
    edges = (
        select(dependencies.c.dependent_id.label("id"), dependencies.c.parent_id.label("parent"))
        .join(tasks, tasks.c.id == dependencies.c.dependent_id)
        .where(dependencies.c.on_failure == literal_column("'cancel'"), _BLOCKED)
    )
    first = edges.where(dependencies.c.parent_id.in_(_IDS)).cte("doomed", recursive=True)
    doomed = first.union(edges.join(first, first.c.id == dependencies.c.parent_id))
    return select(doomed.c.id, func.min(doomed.c.parent)).group_by(doomed.c.id)


_DOOMED: Final[Select[int, int]] = _doomed_statement()
_CANCEL: Final = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"), _BLOCKED)
    .values(status=literal_column("'cancelled'"), finished_at=_NOW, error=bindparam("reason"))
)


def _cancel(
    transaction: Connection,
    failed: Sequence[TaskId],
    ended: Mapping[TaskId, Status],
    *,
    now: datetime,
) -> list[tuple[TaskId, TaskId]]:
    found: dict[TaskId, TaskId] = {}
    for chunk in chunks(failed):
        for task_id, parent in transaction.execute(_DOOMED, {"ids": chunk}).all():
            found.setdefault(TaskId(task_id), TaskId(parent))
    reasons = [
        {
            "task": task_id,
            "now": now,
            "reason": f"task {parent}, which it depends on, "
            f"{said(ended.get(parent, Status.CANCELLED))}",
        }
        for task_id, parent in found.items()
    ]
    if reasons:
        transaction.execute(_CANCEL, reasons)
    return list(found.items())
