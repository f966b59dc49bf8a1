"""The sweeps: due -> pending, lost or overdue -> runnable; old -> deleted is in `retention`."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    exists,
    literal,
    literal_column,
    select,
    type_coerce,
    update,
)

from jobrunner.core.backoff import Backoff
from jobrunner.core.outcome import Ended, Lost, Outcome, Output, Released, TimedOut
from jobrunner.core.task import Lease, TaskId, Token, WorkerId
from jobrunner.storage.claim import LEASE_COLUMNS, no_bare_limit
from jobrunner.storage.clauses import IS_DUE, IS_RUNNING, IS_SCHEDULED
from jobrunner.storage.settle import Settlement, settle
from jobrunner.storage.tables import tasks, workers
from jobrunner.storage.traces import output
from jobrunner.storage.types import Long, micros

PROMOTE_AT_ONCE: Final = 1_000

_IN_PROGRESS: Final = IS_RUNNING

_due: Final = (
    select(tasks.c.id, tasks.c.status)
    .where(IS_SCHEDULED, IS_DUE)
    .order_by(tasks.c.run_at)
    .limit(no_bare_limit(literal(PROMOTE_AT_ONCE)))
    .with_for_update(skip_locked=True)
    .cte("due")
    .prefix_with("MATERIALIZED")  # chosen once: see `claim`
)
_PROMOTE: Final = (
    update(tasks)
    .where(tasks.c.id == _due.c.id, tasks.c.status == _due.c.status)
    .values(status=literal_column("'pending'"))
)


def promote(transaction: Connection, *, now: datetime) -> int:
    """Make due tasks pending, a bounded number at once; returns how many."""
    return transaction.execute(_PROMOTE, {"now": now}).rowcount


class Claimed(NamedTuple):
    """A task in progress, as a sweeper sees it."""

    task_id: TaskId
    token: Token
    worker_id: WorkerId
    timeout: timedelta


def with_timeout(transaction: Connection) -> list[Claimed]:
    """Tasks in progress that have a timeout."""
    query = select(tasks.c.id, tasks.c.token, tasks.c.worker_id, tasks.c.timeout).where(
        _IN_PROGRESS, tasks.c.timeout.is_not(None)
    )
    return [Claimed._make(row) for row in transaction.execute(query)]


def orphaned_by(transaction: Connection) -> list[WorkerId]:
    """Workers that have ended, or never were, and still hold tasks; there should be none."""
    lives = exists().where(workers.c.id == tasks.c.worker_id, workers.c.stopped_at.is_(None))
    query = select(tasks.c.worker_id).where(_IN_PROGRESS, ~lives).distinct()
    return [WorkerId(found) for found in transaction.scalars(query)]


def rescue(
    transaction: Connection, worker_id: WorkerId, *, reason: str, now: datetime, backoff: Backoff
) -> Settlement:
    """Take every task from a worker that was declared lost. Each counts as a crash."""
    mine = _IN_PROGRESS & (tasks.c.worker_id == worker_id)
    return _take(transaction, mine, Lost(reason), worker_id, now=now, backoff=backoff)


def give_back(
    transaction: Connection, worker_id: WorkerId, *, now: datetime, backoff: Backoff
) -> Settlement:
    """Take every task from a worker that ends before they have. No attempt is spent."""
    mine = _IN_PROGRESS & (tasks.c.worker_id == worker_id)
    return _take(transaction, mine, Released(), worker_id, now=now, backoff=backoff)


def take_overdue(
    transaction: Connection, claimed: Claimed, *, now: datetime, backoff: Backoff
) -> Settlement:
    """Take one task from a worker that let it overrun its timeout."""
    this = _IN_PROGRESS & (tasks.c.id == claimed.task_id) & (tasks.c.token == claimed.token)
    outcome = TimedOut(
        f"ran longer than {claimed.timeout.total_seconds():g} s; taken from its worker"
    )
    return _take(transaction, this, outcome, claimed.worker_id, now=now, backoff=backoff)


# What an attempt had written before it was taken away is all that anybody will ever know of it.
_WROTE: Final = (output.c.task_id == tasks.c.id) & (output.c.token == tasks.c.token)


def _take(
    transaction: Connection,
    which: Any,
    outcome: Outcome,
    worker_id: WorkerId,
    *,
    now: datetime,
    backoff: Backoff,
) -> Settlement:
    started_at = type_coerce(tasks.c.started_at, Long)
    over_at = micros(now)
    # A wall clock that was set back makes no run end before its start
    # (guarded by test_a_step_of_the_clock_loses_nobody_and_keeps_no_dead).
    query = select(*LEASE_COLUMNS, started_at, output.c.stdout, output.c.stderr)
    query = query.outerjoin(output, _WROTE).where(which)
    ended = [
        Ended(
            Lease._make(lease),
            outcome,
            started,
            max(started or over_at, over_at),
            None if stdout is None else Output(None, stdout, stderr, is_live=True),
        )
        for *lease, started, stdout, stderr in transaction.execute(query)
    ]
    return settle(transaction, ended, worker_id=worker_id, now=now, backoff=backoff)
