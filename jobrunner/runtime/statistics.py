"""What a database tells of its tasks and workers, each read in one consistent view."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from jobrunner.core.report import Report, summarise
from jobrunner.core.status import Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import TaskSource
from jobrunner.storage import counting, reads, workers
from jobrunner.storage.engine import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection


def statistics(
    database: Database, *, now: datetime, since: timedelta | datetime | None = None
) -> Report:
    """Add up what the database tells of tasks and workers, of late if `since` is given."""
    if isinstance(since, timedelta):
        since = now - since
    with database.reading() as transaction:
        return summarise(
            reads.attempt_rows(transaction, since=since),
            tasks=counting.counts(transaction),
            workers=workers.every(transaction),
            now=now,
            since=since,
        )


def system_status(transaction: "Connection", *, source: TaskSource, running: int) -> SystemStatus:
    """What is going on now, with at most so many running tasks."""
    return SystemStatus(
        tasks=counting.counts(transaction),
        running=reads.find(transaction, source=source, status=Status.IN_PROGRESS, limit=running),
        workers=workers.alive(transaction),
        oldest_pending=reads.oldest_pending(transaction),
    )
