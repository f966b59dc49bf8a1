"""What stands around a task that waits: open parents, limits, workers, those ahead of it."""

from typing import Any, Final

from sqlalchemy import Connection, func, literal_column, select

from jobrunner.core import lane
from jobrunner.core.insight import Counted
from jobrunner.core.limits import Limits
from jobrunner.core.reasons import Circumstances
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.storage import keys, limits, neighbours, waits, workers
from jobrunner.storage.counting import is_in
from jobrunner.storage.rules import queues
from jobrunner.storage.tables import tasks

AHEAD: Final = 10_000
"""So many tasks ahead are counted."""

PARENTS: Final = 100
"""So many of the tasks that it waits for are told."""

_IN_PROGRESS: Final = tasks.c.status == literal_column("'in_progress'")


def around(transaction: Connection, task: Task[Any]) -> Circumstances:
    """Read all of it; each part is bounded."""
    key = task.concurrency_key
    is_pending = task.status is Status.PENDING
    paused = select(queues.c.paused_at).where(queues.c.name == task.queue)
    rules = limits.read(transaction, queues, queues.c.name == task.queue)
    return Circumstances(
        parents=_parents(transaction, task) if task.status is Status.BLOCKED else (),
        waits=waits.every(transaction, task_id=task.id, limit=PARENTS),
        paused_at=transaction.scalar(paused),
        limits=rules.get(task.queue, Limits()),
        running=_running(transaction, task) if is_pending else 0,
        key_limits=Limits() if key is None else keys.limits_of(transaction, [key])[key],
        key_running=_of_key(transaction, key) if is_pending and key is not None else 0,
        workers=workers.alive(transaction),
        ahead=_ahead(transaction, task) if is_pending else Counted(0),
    )


def _parents(transaction: Connection, task: Task[Any]) -> Any:
    graph = neighbours.neighbours(transaction, task.id, limit=PARENTS)
    parents = {edge.parent for edge in graph.edges if edge.dependent == task.id}
    return [node for node in graph.nodes if node.id in parents and not node.status.is_final]


def _running(transaction: Connection, task: Task[Any]) -> int:
    query = select(func.count()).select_from(tasks).where(_IN_PROGRESS, tasks.c.queue == task.queue)
    return transaction.scalar(query) or 0


def _of_key(transaction: Connection, key: str) -> int:
    query = select(tasks.c.lane, func.count()).where(_IN_PROGRESS, tasks.c.lane.is_not(None))
    rows = transaction.execute(query.group_by(tasks.c.lane))
    return sum(number for text, number in rows if lane.decode(text).key == key)


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
