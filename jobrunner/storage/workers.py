"""The workers' own rows: they start, show life, end, and are declared lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Connection,
    RowMapping,
    delete,
    exists,
    insert,
    literal_column,
    select,
    update,
)

from jobrunner.core import payload
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.storage.clauses import MAY_CLAIM
from jobrunner.storage.tables import attempts, tasks, workers

KEPT: Final = timedelta(days=1)
"""How long a worker that has ended is shown, if no attempt that is stored is as old."""

PRUNE_AT_ONCE: Final = 500

_ALIVE: Final = workers.c.stopped_at.is_(None)


def register(transaction: Connection, worker: WorkerInfo) -> None:
    """Store a worker that starts now."""
    transaction.execute(
        insert(workers).values(
            id=worker.id,
            host=worker.host,
            boot_id=worker.boot_id,
            pid=worker.pid,
            executor=worker.executor,
            concurrency=worker.concurrency,
            queues=payload.encode(list(worker.queues), what="queues"),
            status=worker.status,
            beat=worker.beat,
            started_at=worker.started_at,
            seen_at=worker.seen_at,
            offers=payload.encode(dict(worker.offers), what="offers") if worker.offers else None,
            crew=worker.crew,
            paused_at=worker.paused_at,
            wanted=worker.wanted,
        )
    )


def lock(transaction: Connection, worker_id: WorkerId) -> None:
    """Wait until no claim of this worker is under way; in a file none is."""
    transaction.execute(select(workers.c.id).where(workers.c.id == worker_id).with_for_update())


def beat(transaction: Connection, worker_id: WorkerId, *, now: datetime) -> bool:
    """Show life: raise the counter. `False` says the worker was declared lost."""
    raised = (
        update(workers)
        .where(workers.c.id == worker_id, _ALIVE)
        .values(beat=workers.c.beat + 1, seen_at=now)
    )
    return transaction.execute(raised).rowcount == 1


def set_stopping(transaction: Connection, worker_id: WorkerId, *, now: datetime) -> bool:
    """From here on the worker claims no more. `False` says it was declared lost."""
    stopping = (
        update(workers)
        .where(workers.c.id == worker_id, _ALIVE)
        .values(status=WorkerStatus.STOPPING, seen_at=now)
    )
    return transaction.execute(stopping).rowcount == 1


def set_stopped(transaction: Connection, worker_id: WorkerId, *, now: datetime) -> bool:
    """The worker has ended in order. `False` says it was declared lost before."""
    stopped = (
        update(workers)
        .where(workers.c.id == worker_id, _ALIVE)
        .values(status=WorkerStatus.STOPPED, seen_at=now, stopped_at=now)
    )
    return transaction.execute(stopped).rowcount == 1


def declare_lost(
    transaction: Connection, worker_id: WorkerId, *, seen_beat: int, reason: str, now: datetime
) -> bool:
    """Declare a worker lost, unless it has shown life since `seen_beat` was read."""
    lost = (
        update(workers)
        .where(workers.c.id == worker_id, workers.c.beat == seen_beat, _ALIVE)
        .values(status=WorkerStatus.LOST, stopped_at=now, error=reason)
    )
    return transaction.execute(lost).rowcount == 1


def alive(transaction: Connection) -> list[WorkerInfo]:
    """Workers that run or are stopping, as far as their rows tell."""
    query = select(workers).where(_ALIVE).order_by(workers.c.started_at)
    return [_info(row) for row in transaction.execute(query).mappings()]


def alive_ids(transaction: Connection) -> list[WorkerId]:
    """The same, their ids only."""
    return [WorkerId(found) for found in transaction.scalars(select(workers.c.id).where(_ALIVE))]


def claiming(transaction: Connection) -> set[WorkerId]:
    """Those that may claim tasks now."""
    query = select(workers.c.id).where(_ALIVE, MAY_CLAIM)
    return {WorkerId(found) for found in transaction.scalars(query)}


def every(transaction: Connection, ids: Sequence[WorkerId] | None = None) -> list[WorkerInfo]:
    """All workers there have been, oldest first; with `ids`, only those."""
    query = select(workers).order_by(workers.c.started_at)
    if ids is not None:
        query = query.where(workers.c.id.in_(ids))
    return [_info(row) for row in transaction.execute(query).mappings()]


_OLDEST_ATTEMPT: Final = select(attempts.c.ended_at).order_by(attempts.c.id).limit(1)
_HOLDS: Final = exists().where(
    tasks.c.worker_id == workers.c.id, tasks.c.status == literal_column("'in_progress'")
)


def prune(transaction: Connection, *, now: datetime, limit: int = PRUNE_AT_ONCE) -> int:
    """Delete workers that ended a while ago, before any attempt that is stored.

    A bounded number at once; returns how many.
    """
    before = now - KEPT
    if (oldest := transaction.scalar(_OLDEST_ATTEMPT)) is not None:
        before = min(before, oldest)
    old = select(workers.c.id).where(workers.c.stopped_at < before, ~_HOLDS).limit(limit)
    return transaction.execute(delete(workers).where(workers.c.id.in_(old))).rowcount


def _info(row: RowMapping) -> WorkerInfo:
    values = dict(row)
    values["queues"] = tuple(payload.decode(row["queues"]))
    values["status"] = WorkerStatus(row["status"])
    values["offers"] = payload.decode(row["offers"]) or {}
    return WorkerInfo(**values)
