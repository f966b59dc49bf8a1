"""Is the database whole: its pages, its references, and what must always hold."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, func, literal_column, select

from jobrunner.core.status import FINAL
from jobrunner.storage.dialect import damage
from jobrunner.storage.tables import attempts, dependencies, tasks, workers
from jobrunner.storage.traces import rewinds

_COMPLETED: Final = attempts.c.outcome == literal_column("'completed'")
_FINAL: Final = [status.value for status in FINAL]


def problems(transaction: Connection) -> Iterator[str]:
    """Say what is wrong, a sentence each; nothing for a sound database."""
    yield from damage(transaction)
    yield from _waiting(transaction)
    yield from _orphans(transaction)
    yield from _completed_twice(transaction)


def _waiting(transaction: Connection) -> Iterator[str]:
    """`waiting_on` is kept by the settling transactions; the edges are the truth."""
    parent = tasks.alias("parent")
    open_parents = (
        select(func.count())
        .select_from(dependencies.join(parent, parent.c.id == dependencies.c.parent_id))
        .where(dependencies.c.dependent_id == tasks.c.id, parent.c.status.not_in(_FINAL))
        .correlate(tasks)
        .scalar_subquery()
    )
    query = select(tasks.c.id, tasks.c.waiting_on, open_parents.label("found")).where(
        tasks.c.status == literal_column("'blocked'"), tasks.c.waiting_on != open_parents
    )
    for task_id, stored, found in transaction.execute(query).all():
        yield f"task {task_id} waits on {stored} parents, but {found} are open"


def _orphans(transaction: Connection) -> Iterator[str]:
    query = (
        select(tasks.c.id, tasks.c.worker_id, workers.c.status)
        .outerjoin(workers, workers.c.id == tasks.c.worker_id)
        .where(
            tasks.c.status == literal_column("'in_progress'"),
            workers.c.stopped_at.is_not(None) | workers.c.id.is_(None),
        )
    )
    for task_id, worker_id, status in transaction.execute(query).all():
        yield f"task {task_id} is in progress at worker {worker_id}, which is {status or 'unknown'}"


def _completed_twice(transaction: Connection) -> Iterator[str]:
    """Once, and once more since each time that it was rewound."""
    query = (
        select(attempts.c.task_id)
        .where(_COMPLETED)
        .group_by(attempts.c.task_id)
        .having(func.count() > 1)
    )
    for task_id in transaction.scalars(query).all():
        numbers = select(attempts.c.number).where(attempts.c.task_id == task_id, _COMPLETED)
        begun = select(rewinds.c.attempt).where(rewinds.c.task_id == task_id)
        ends, starts = transaction.scalars(numbers).all(), transaction.scalars(begun).all()
        # How often it had been rewound, the same for two ends since the same start.
        since = [sum(start < end for start in starts) for end in ends]
        if len({*since}) < len(since):
            yield f"task {task_id} has completed {len(since)} times"
