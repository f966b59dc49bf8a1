"""Queues: paused, resumed, limited, counted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, literal_column, select, update

from jobrunner.core.limits import LimitChange, Limits, QueueInfo
from jobrunner.core.status import Status
from jobrunner.storage import counting, limits, notices
from jobrunner.storage.rules import queues
from jobrunner.storage.tables import tasks


def pause(transaction: Connection, name: str, *, now: datetime) -> bool:
    """Start no more tasks of a queue, until it is resumed; `False` if it was paused before."""
    limits.put_row(transaction, queues, name)
    running = update(queues).where(queues.c.name == name, queues.c.paused_at.is_(None))
    return transaction.execute(running.values(paused_at=now)).rowcount == 1


def resume(transaction: Connection, name: str) -> bool:
    """Go on with a queue; `False` if it was not paused."""
    paused = update(queues).where(queues.c.name == name, queues.c.paused_at.is_not(None))
    found = transaction.execute(paused.values(paused_at=None)).rowcount == 1
    if found:
        notices.work(transaction)
    return found


def limit(transaction: Connection, name: str, change: LimitChange) -> Limits:
    """Change the limits of a queue; returns those that hold now."""
    before = limits.read(transaction, queues, queues.c.name == name).get(name, Limits())
    return limits.put(transaction, queues, name, before, change)


def paused(transaction: Connection) -> Sequence[str]:
    """The queues of which no more tasks are started."""
    return transaction.scalars(select(queues.c.name).where(queues.c.paused_at.is_not(None))).all()


def running(transaction: Connection, names: Sequence[str]) -> dict[str, int]:
    """How many tasks of these queues are in progress; a queue without any is left out."""
    query = (
        select(tasks.c.queue, func.count())
        .where(tasks.c.status == literal_column("'in_progress'"), tasks.c.queue.in_(names))
        .group_by(tasks.c.queue)
    )
    return dict(transaction.execute(query).all())


def every(transaction: Connection) -> list[QueueInfo]:
    """The queues that have tasks, or for which something was set, by name."""
    counts = counting.by_queue(transaction)
    rules = limits.read(transaction, queues)
    moments = transaction.execute(select(queues.c.name, queues.c.paused_at))
    since = dict(moments.all())
    return [
        QueueInfo(
            name,
            rules.get(name, Limits()),
            since.get(name),
            {status: counts.get(name, {}).get(status, 0) for status in Status},
        )
        for name in sorted({*counts, *rules})
    ]
