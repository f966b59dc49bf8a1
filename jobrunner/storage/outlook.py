"""The tasks that are open, with all that it takes to tell when they will have ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from jobrunner.core import lane
from jobrunner.core.insight import TaskQuery
from jobrunner.core.insight_graph import TaskGraph
from jobrunner.core.limits import Limits
from jobrunner.core.open_work import OpenTask, OpenWork
from jobrunner.core.pauses import pause
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import Progress, TaskId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.storage import counting, durations, keys, limits, neighbours, queues, workers
from jobrunner.storage.candidates import ids_of, sources
from jobrunner.storage.chunks import chunks
from jobrunner.storage.rules import queues as queue_rules
from jobrunner.storage.tables import dependencies, progress, tasks
from jobrunner.storage.traces import event_waits

MOST: Final = 10_000
"""So many tasks are looked at."""

_OPEN: Final = (Status.IN_PROGRESS, Status.PENDING, Status.SCHEDULED, Status.BLOCKED)
_ONLY: Final = "only"

_TASKS: Final = select(
    tasks.c.id,
    tasks.c.status,
    tasks.c.queue,
    tasks.c.priority,
    tasks.c.run_at,
    tasks.c.started_at,
    tasks.c.lane,
    *durations.BY_KIND,
)
_WAITS: Final = select(event_waits.c.task_id)
_PROGRESS: Final = select(progress.c.task_id, progress.c.done, progress.c.total)
_EDGES: Final = select(
    dependencies.c.dependent_id, dependencies.c.parent_id, dependencies.c.on_failure, tasks.c.status
).join(tasks, tasks.c.id == dependencies.c.parent_id)


def of_task(transaction: Connection, task_id: int, *, now: datetime) -> OpenWork:
    """What is open of all that a task hangs together with, and what else is.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    return _beside_others(transaction, neighbours.graph(transaction, task_id, limit=MOST), now)


def of_batch(transaction: Connection, batch_id: int, *, now: datetime) -> OpenWork:
    """What is open of the members and the callbacks of a batch, and what else is.

    Raises:
        BatchNotFoundError: there is no such batch.
    """
    return _beside_others(transaction, neighbours.of_batch(transaction, batch_id, limit=MOST), now)


def of_all(transaction: Connection, *, now: datetime) -> OpenWork:
    """All that is open; of very much, what runs and what comes next."""
    ids = _open(transaction)
    number = len(ids)
    if number == MOST:
        counts = counting.counts(transaction)
        number = sum(count for status, count in counts.items() if status not in FINAL)
    work = _work(transaction, ids, now)
    return replace(work, number=number, is_cut=number > len(ids))


def _beside_others(transaction: Connection, graph: TaskGraph, now: datetime) -> OpenWork:
    wanted = [node.id for node in graph.nodes if not node.status.is_final]
    known = set(wanted)
    others = [task_id for task_id in _open(transaction) if task_id not in known] if wanted else []
    ids = [*wanted, *others][:MOST]
    is_cut = graph.is_cut or len(wanted) + len(others) >= MOST
    work = _work(transaction, ids, now)
    return replace(work, wanted=known, number=len(known), is_cut=is_cut)


def _open(transaction: Connection) -> list[TaskId]:
    """What is open, what comes first in front."""
    ids: list[TaskId] = []
    for status in _OPEN:
        for source in sources(TaskQuery(status=status))[0]:
            if len(ids) < MOST:
                ids += transaction.scalars(ids_of(source, MOST - len(ids)))
    return ids


def _work(transaction: Connection, ids: Sequence[TaskId], now: datetime) -> OpenWork:
    found = list(_tasks(transaction, ids, now))
    rules = limits.read(transaction, queue_rules)
    limited = {name for name, rule in rules.items() if rule != Limits()}
    of_keys = keys.limits_of(transaction, {task.key for task in found if task.key is not None})
    return OpenWork(
        tasks=found,
        paused=queues.paused(transaction),
        queue_limits=_concurrency(rules),
        key_limits=_concurrency(of_keys),
        slots=sum(map(_slots, workers.alive(transaction))),
        pause_s=pause(durations.lately(transaction, limited)),
    )


def _concurrency(rules: Mapping[str, Limits]) -> dict[str, int]:
    return {name: rule.concurrency for name, rule in rules.items() if rule.concurrency is not None}


def _slots(worker: WorkerInfo) -> int:
    if worker.status is not WorkerStatus.RUNNING or worker.paused_at is not None:
        return 0
    return worker.concurrency if worker.wanted is None else worker.wanted


def _tasks(transaction: Connection, ids: Sequence[TaskId], now: datetime) -> Iterable[OpenTask]:
    for some in chunks(ids):
        rows = transaction.execute(_TASKS.where(tasks.c.id.in_(some)).order_by(tasks.c.id)).all()
        blocked = [row[0] for row in rows if row[1] == Status.BLOCKED]
        running = [row[0] for row in rows if row[1] == Status.IN_PROGRESS]
        parents, failed = _parents(transaction, blocked)
        earlier = durations.before(transaction, running)
        done = _progress(transaction, running)
        waits = _waits(transaction, [row[0] for row in rows if row[1] == Status.SCHEDULED])
        for task_id, status, queue, priority, run_at, started_at, text, *rest in rows:
            is_running = status == Status.IN_PROGRESS
            yield OpenTask(
                id=TaskId(task_id),
                kinds=durations.kinds(*rest),
                queue=queue,
                key=lane.decode(text).key,
                priority=priority,
                starts_in=(run_at - now).total_seconds(),
                ran_for=max(0.0, (now - started_at).total_seconds()) if is_running else None,
                earlier_s=earlier.get(task_id, 0.0),
                progress=done.get(task_id),
                parents=tuple(parents.get(task_id, ())),
                has_failed_parent=task_id in failed,
                waits_for_event=task_id in waits,
            )


def _progress(transaction: Connection, running: Sequence[int]) -> dict[int, Progress]:
    if not running:
        return {}
    rows = transaction.execute(_PROGRESS.where(progress.c.task_id.in_(running)))
    return {task_id: Progress(done, total) for task_id, done, total in rows if done is not None}


def _waits(transaction: Connection, put_off: Sequence[int]) -> set[int]:
    """Those of these that wait for an event."""
    if not put_off:
        return set()
    return set(transaction.scalars(_WAITS.where(event_waits.c.task_id.in_(put_off))))


def _parents(
    transaction: Connection, blocked: Sequence[TaskId]
) -> tuple[dict[TaskId, list[tuple[TaskId, str]]], set[TaskId]]:
    """The open parents of these, and which of these have one that did not complete."""
    found: dict[TaskId, list[tuple[TaskId, str]]] = {}
    failed: set[TaskId] = set()
    if not blocked:
        return found, failed
    query = _EDGES.where(dependencies.c.dependent_id.in_(blocked))
    for dependent, parent, rule, status in transaction.execute(query):
        if status not in FINAL:
            found.setdefault(dependent, []).append((parent, rule))
        elif rule == _ONLY and status != Status.COMPLETED:
            failed.add(dependent)
    return found, failed
