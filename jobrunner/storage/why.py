"""What stands around a task: a claim's own questions are put to it, and nothing is taken."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from jobrunner.core.circumstances import Circumstances, Server
from jobrunner.core.insight import Counted
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.reasons import WAITING
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import Task, TaskId, TaskSource
from jobrunner.core.verdict import CANCEL_REASON
from jobrunner.storage import moves, neighbours, occupants, reads, regain, waits, workers
from jobrunner.storage.asking import Asking
from jobrunner.storage.clauses import IN_TIME, IS_DUE, IS_PENDING, IS_SCHEDULED, SPOILS
from jobrunner.storage.counting import is_in
from jobrunner.storage.rules import queues
from jobrunner.storage.tables import dependencies, tasks

AHEAD: Final = 10_000
"""So many tasks ahead are counted."""

MOST: Final = 100
"""So many of the tasks, and of the events, that it waits for are told."""

DEEPEST: Final = 1_000
"""So many parents upwards it is looked for whose end began it all."""

_ASKED: Final = select(
    IS_PENDING, IS_SCHEDULED, IS_DUE, IN_TIME, tasks.c.lane, tasks.c.waiting_on
).where(tasks.c.id == bindparam("task"))


def look(
    transaction: Connection, task_id: int, *, source: TaskSource, now: datetime
) -> tuple[Task[Any], Circumstances]:
    """A task with what stands around it; each part is bounded.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    task = reads.get(transaction, task_id, source=source)
    if task.status in WAITING:
        return task, _waiting(transaction, task, now)
    if task.status is Status.IN_PROGRESS:
        alive = workers.alive(transaction)
        return task, Circumstances(servers=[Server(worker=one, may_claim=True) for one in alive])
    rival = regain.rival(transaction, task.id, now=now)
    found = neighbours.nodes(transaction, [] if rival is None else [rival])
    return task, Circumstances(
        cause=_cause(transaction, task),
        rival=found[0] if found and task.status is not Status.COMPLETED else None,
    )


def _waiting(transaction: Connection, task: Task[Any], now: datetime) -> Circumstances:
    asked = transaction.execute(_ASKED, {"task": task.id, "now": now}).one()
    is_pending, is_scheduled, is_due, is_in_time, lane, waiting_on = asked
    is_ready = is_pending or (is_scheduled and is_due)
    is_moving = moves.is_draining(transaction, now)
    asking = Asking(transaction, task.id, task.queue, lane, now=now)
    servers = asking.servers(
        is_ready=is_ready and is_in_time and not is_moving, is_pending=is_pending
    )
    lacked = {name for one in servers for name in one.lacks}
    shut = asking.shut() if is_ready else ()
    full = (occupants.full(transaction, gate, now=now) for gate in shut)
    last = reads.history(transaction, task.id, newest=1) if is_scheduled else []
    return Circumstances(
        is_ready=is_ready,
        is_due=is_due,
        is_in_time=is_in_time,
        is_moving=is_moving,
        parents=_parents(transaction, task) if waiting_on else (),
        waiting_on=waiting_on,
        waits=waits.every(transaction, task_id=task.id, limit=MOST),
        last=last[0] if last else None,
        paused_at=transaction.scalar(select(queues.c.paused_at).where(queues.c.name == task.queue)),
        full=[one for one in full if one is not None],
        servers=servers,
        in_use=_in_use(transaction, lacked, servers) if lacked else (),
        ahead=_ahead(transaction, task) if is_pending else Counted(0),
    )


def _in_use(
    transaction: Connection, names: set[str], servers: Sequence[Server]
) -> Sequence[TaskNode]:
    lacking = [one.worker.id for one in servers if one.lacks]
    return occupants.users(transaction, names, lacking)


def _parents(transaction: Connection, task: Task[Any]) -> list[TaskNode]:
    query = (
        select(tasks.c.id)
        .join(dependencies, dependencies.c.parent_id == tasks.c.id)
        .where(dependencies.c.dependent_id == task.id)
        .where(tasks.c.status.not_in([status.value for status in FINAL]))
        .order_by(dependencies.c.parent_id)
        .limit(MOST)
    )
    return neighbours.nodes(transaction, [*transaction.scalars(query)])


def _ahead(transaction: Connection, task: Task[Any]) -> Counted:
    """Those of its queue that are taken before it: of a higher priority, or as high and older."""
    number = 0
    higher = tasks.c.priority > task.priority
    older = (tasks.c.priority == task.priority) & (tasks.c.id < task.id)
    for source in is_in(Status.PENDING):
        for before in (higher, older):
            met = (source, tasks.c.queue == task.queue, before)
            some = select(tasks.c.id).where(*met).limit(AHEAD + 1 - number).subquery()
            number += transaction.scalar(select(func.count()).select_from(some)) or 0
    return Counted(min(number, AHEAD), number > AHEAD)


_SPOILT_BY: Final = (
    select(tasks.c.id, tasks.c.status, tasks.c.error)
    .join(dependencies, dependencies.c.parent_id == tasks.c.id)
    .where(dependencies.c.dependent_id == bindparam("task"), SPOILS)
    .order_by(tasks.c.status.desc(), tasks.c.id)  # one that failed before one that was cancelled
    .limit(1)
)


def _cause(transaction: Connection, task: Task[Any]) -> TaskNode | None:
    """The task whose end was the first of those that led to this one's."""
    found: TaskId | None = None
    status, error = task.status.value, task.error
    for _ in range(DEEPEST):
        if status != Status.CANCELLED.value or error == CANCEL_REASON:
            break
        spoilt = transaction.execute(_SPOILT_BY, {"task": found or task.id}).one_or_none()
        if spoilt is None:
            break
        found, status, error = TaskId(spoilt.id), spoilt.status, spoilt.error
    return None if found is None else neighbours.nodes(transaction, [found])[0]
