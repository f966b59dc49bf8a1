"""The write-ahead log, cut back where commits alone do not get to it."""

from pathlib import Path
from typing import Final

from jobrunner.storage import sqlite
from jobrunner.storage.engine import Database
from jobrunner.storage.turnstile import Turnstile

WAIT_MS: Final = 500
"""How long writers may be kept out until the readers of now have ended."""


def size(path: Path) -> int:
    """Bytes in the log of an SQLite file."""
    return sqlite.size(f"{path}-wal")


def cut(database: Database, *, limit: int = sqlite.JOURNAL_LIMIT) -> bool:
    """Empty a log that has outgrown `limit` bytes; `True` if that was done.

    A commit starts the log anew only at a moment without a reader: under readers that overlap
    it grows without end (guarded by test_under_readers_that_overlap_the_log_is_cut). In its turn
    this keeps writers out until those who read now have ended; not for long, so that one who
    reads for hours only puts it off.
    """
    path = database.path
    if path is None or size(path) <= limit:
        return False
    turnstile = Turnstile(path.with_name(path.name + ".lock"))
    try:
        with turnstile.turn() as in_time, database.outside() as connection:
            if not in_time:
                return False
            connection.exec_driver_sql(f"PRAGMA busy_timeout={WAIT_MS}").all()
            try:
                checkpoint = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                busy, _, _ = checkpoint.one()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={sqlite.BUSY_TIMEOUT_MS}").all()
            return not busy
    finally:
        turnstile.close()
