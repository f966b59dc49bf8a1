"""The report of a database, read in one consistent view."""

from datetime import datetime

from jobrunner.core.report import Report, summarise
from jobrunner.storage import reads, workers
from jobrunner.storage.engine import Database


def statistics(database: Database, *, now: datetime, since: datetime | None = None) -> Report:
    """Add up what the database tells of tasks and workers, of late if `since` is given."""
    with database.reading() as transaction:
        return summarise(
            reads.attempt_rows(transaction, since=since),
            tasks=reads.counts(transaction),
            workers=workers.every(transaction),
            now=now,
            since=since,
        )
