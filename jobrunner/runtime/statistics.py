"""What a database tells of its tasks and workers, each read in one consistent view."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jobrunner.core.account import Grouped, summarise
from jobrunner.core.report import By, Report
from jobrunner.core.shifts import Shifts
from jobrunner.core.status import Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import TaskSource
from jobrunner.storage import account, counting, reads, workers
from jobrunner.storage.engine import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection


def statistics(
    database: Database,
    *,
    now: datetime,
    since: timedelta | datetime | None = None,
    by: By | None = None,
) -> Report:
    """Add up what the database tells of tasks and workers, of late if `since` is given."""
    with database.reading() as transaction:
        return add_up(transaction, now=now, since=since_of(since, now), by=by)[0]


def since_of(since: timedelta | datetime | None, now: datetime) -> datetime | None:
    """The moment that is meant; a length of time ends now."""
    return now - since if isinstance(since, timedelta) else since


def add_up(
    transaction: "Connection", *, now: datetime, since: datetime | None, by: By | None
) -> tuple[Report, list[Grouped]]:
    """The report, and what it says of functions with the shapes of their spans."""
    cells = account.by_worker(transaction, since=since)
    return summarise(
        account.sums(transaction, By.FUNCTION, since=since),
        tasks=counting.counts(transaction),
        shifts=Shifts.of(workers.every(transaction), cells, now=now),
        extent=account.extent(transaction, since=since),
        since=since,
        asked=None if by is None else (by, account.sums(transaction, by, since=since)),
    )


def system_status(transaction: "Connection", *, source: TaskSource, running: int) -> SystemStatus:
    """What is going on now, with at most so many running tasks."""
    return SystemStatus(
        tasks=counting.counts(transaction),
        running=reads.find(transaction, source=source, status=Status.IN_PROGRESS, limit=running),
        workers=workers.alive(transaction),
        oldest_pending=reads.oldest_pending(transaction),
    )
