"""What the end of a task means to those that wait for it."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    select,
    update,
)

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.storage import acts, notices, telling
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.parents import NOTHING_FAILED, said
from jobrunner.storage.tables import dependencies, tasks
from jobrunner.storage.types import Moment

_BLOCKED: Final = tasks.c.status == literal_column("'blocked'")
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_NOW: Final = bindparam("now", type_=Moment)


def settle_dependents(
    transaction: Connection, ended: Mapping[TaskId, Status], *, now: datetime
) -> list[tuple[TaskId, TaskId]]:
    """Release or cancel the dependents of tasks that have just ended, in whatever depth.

    Returns (dependent, parent) for each dependent that was cancelled.
    """
    cancelled: list[tuple[TaskId, TaskId]] = []
    while ended:
        failed = [task_id for task_id, status in ended.items() if status is not Status.COMPLETED]
        doomed = _cancel(transaction, failed, ended, now=now) if failed else []
        completed = [task_id for task_id, status in ended.items() if status is Status.COMPLETED]
        spared = _release(transaction, completed, now=now)
        # Edges that let the dependent run all the same, below all that did not complete.
        unsuccessful = failed + [dependent for dependent, _ in doomed]
        spared += _release(transaction, unsuccessful, now=now, but_for_cancel=True)
        cancelled += doomed
        ended = dict.fromkeys(spared, Status.CANCELLED)
    return cancelled


_other = dependencies.alias("other")
_IS_ONLY: Final = exists(
    select(_other.c.parent_id).where(
        _other.c.dependent_id == dependencies.c.dependent_id,
        _other.c.on_failure == literal_column("'only'"),
    )
)
_WAITING: Final = (
    select(dependencies.c.dependent_id, func.count(), _IS_ONLY)
    .where(dependencies.c.parent_id.in_(_IDS))
    .group_by(dependencies.c.dependent_id)
    .order_by(dependencies.c.dependent_id)
)
_WAITING_ANYWAY: Final = _WAITING.where(dependencies.c.on_failure != literal_column("'cancel'"))

_left: Final[Any] = tasks.c.waiting_on - bindparam("ended", type_=Integer)
_RELEASE: Final = (
    update(tasks)
    .where(tasks.c.id.in_(_IDS), _BLOCKED)
    .values(
        waiting_on=_left,
        status=case(
            (_left > 0, literal_column("'blocked'", Text)),
            (tasks.c.run_at > _NOW, literal_column("'scheduled'", Text)),
            else_=literal_column("'pending'", Text),
        ),
        # From here on it could run: the wait that people see starts now.
        run_at=case((tasks.c.run_at > _NOW, tasks.c.run_at), else_=_NOW),
        unblocked_at=_NOW,  # of the last that it waited for: an earlier one is written over
    )
)


def _release(
    transaction: Connection,
    parents: Sequence[TaskId],
    *,
    now: datetime,
    but_for_cancel: bool = False,
) -> list[TaskId]:
    """Lower `waiting_on` of the dependents by the number of these parents that each has.

    Returns those that are cancelled by it: they run only after a failure, and there was none.
    """
    statement = _WAITING_ANYWAY if but_for_cancel else _WAITING
    spared: list[TaskId] = []
    for chunk in chunks(parents):
        ended: dict[int, list[int]] = {}
        only: list[TaskId] = []
        for dependent, number, is_only in transaction.execute(statement, {"ids": chunk}):
            ended.setdefault(number, []).append(dependent)
            if is_only:
                only.append(TaskId(dependent))
        # By their ids, not by a join with their edges: as in `claim`, a server would go through
        # all that are blocked for each one (guarded by test_a_fan_out_is_released_by_its_ids).
        lock_tasks(transaction, sorted(itertools.chain(*ended.values())))
        only = _still_blocked(transaction, only)
        for number, dependents in ended.items():
            for some in chunks(dependents):
                values = {"ids": some, "ended": number, "now": now}
                if transaction.execute(_RELEASE, values).rowcount:
                    notices.work(transaction)
        spared += _spared(transaction, only, now=now)
    return spared


_parent = tasks.alias("parent")
_SPARED: Final = (
    update(tasks)
    .where(
        tasks.c.id.in_(_IDS),
        tasks.c.waiting_on == literal_column("0"),
        tasks.c.status.in_([literal_column("'pending'"), literal_column("'scheduled'")]),
        ~exists(
            select(dependencies.c.parent_id)
            .join(_parent, _parent.c.id == dependencies.c.parent_id)
            .where(
                dependencies.c.dependent_id == tasks.c.id,
                dependencies.c.on_failure == literal_column("'only'"),
                _parent.c.status.in_([literal_column("'failed'"), literal_column("'cancelled'")]),
            )
        ),
    )
    .values(status=literal_column("'cancelled'"), finished_at=_NOW, error=NOTHING_FAILED)
    .returning(tasks.c.id)
)


def _spared(transaction: Connection, ids: Sequence[int], *, now: datetime) -> list[TaskId]:
    """Cancel those that have just been released and that no failure calls for."""
    spared = [
        TaskId(task_id)
        for some in chunks(ids)
        for task_id in transaction.execute(_SPARED, {"ids": some, "now": now}).scalars().all()
    ]
    acts.over(transaction, spared, was=Status.BLOCKED, now=now)
    return spared


def _doomed_statement() -> Any:
    """Every task below `ids` over edges that cancel, with a parent that dooms it.

    Those that have ended are among them: what is below those has ended as well.
    """
    edges = select(
        dependencies.c.dependent_id.label("id"), dependencies.c.parent_id.label("parent")
    ).where(dependencies.c.on_failure == literal_column("'cancel'"))
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
    # Again until nothing is new: an enqueue may have put more below them before they were locked.
    while new := _doomed(transaction, failed, but=found):
        found |= new
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
        acts.over(transaction, [*found], was=Status.BLOCKED, now=now)
        telling.tell(transaction, found, now=now)
    return list(found.items())


def _doomed(
    transaction: Connection, failed: Sequence[TaskId], *, but: Mapping[TaskId, TaskId]
) -> dict[TaskId, TaskId]:
    """What is to be cancelled and is not known yet, locked, each with the parent that dooms it."""
    found: dict[TaskId, TaskId] = {}
    for chunk in chunks(failed):
        for task_id, parent in transaction.execute(_DOOMED, {"ids": chunk}).all():
            if task_id not in but:
                found.setdefault(TaskId(task_id), TaskId(parent))
    return {task_id: found[task_id] for task_id in _still_blocked(transaction, sorted(found))}


_STILL_BLOCKED: Final = (
    select(tasks.c.id)
    .where(tasks.c.id.in_(_IDS), _BLOCKED)
    .order_by(tasks.c.id)
    .with_for_update(key_share=True)
)


def _still_blocked(transaction: Connection, ids: Sequence[TaskId]) -> list[TaskId]:
    """Which of these are to be cancelled, and not by somebody else at this moment."""
    return [
        TaskId(task_id)
        for chunk in chunks(ids)
        for task_id in transaction.scalars(_STILL_BLOCKED, {"ids": chunk})
    ]
