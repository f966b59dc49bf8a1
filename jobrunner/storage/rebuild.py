"""A migration that drops a table and makes it anew, as SQLite needs it, loses nothing by it."""

import contextlib
from collections.abc import Generator
from typing import Any

from sqlalchemy import Connection, text

from jobrunner.core.errors import DatabaseDamagedError
from jobrunner.storage import sqlite


def allow(connection: Connection) -> None:
    """Check no references on this connection, which is closed and not kept at its end.

    Where they are checked, dropping a table deletes the rows that refer to it with ON DELETE
    CASCADE (guarded by test_a_rebuilt_table_keeps_the_rows_that_refer_to_it); and inside a
    transaction this switch does nothing.
    """
    driver: Any = connection.connection.driver_connection
    connection.detach()
    driver.execute("PRAGMA foreign_keys=OFF").fetchall()


@contextlib.contextmanager
def watched(transaction: Connection) -> Generator[None]:
    """What a migration runs in: references hold at its end, and no id is given out twice.

    Raises:
        DatabaseDamagedError: it left references to rows that are not there.
    """
    if transaction.scalar(text("PRAGMA foreign_keys")):
        raise RuntimeError("a migration needs a transaction that `rebuilds`")
    given_out = _last_ids(transaction)
    yield
    for table, last in given_out.items():
        keep_counting(transaction, table, last)
    if problem := next(sqlite.dangling(transaction), None):
        raise DatabaseDamagedError(
            f"the migration would leave a gap: {problem}",
            hint="Nothing was changed; keep the version of jobrunner that you had, and report it.",
        )


def _has_table(transaction: Connection, name: str) -> bool:
    query = text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name")
    return transaction.scalar(query, {"name": name}) is not None


def _last_ids(transaction: Connection) -> dict[str, int]:
    if not _has_table(transaction, "sqlite_sequence"):
        return {}
    rows = transaction.execute(text("SELECT name, seq FROM sqlite_sequence")).all()
    return {name: last for name, last in rows}  # noqa: C416 — rows are no pairs to mypy


def keep_counting(transaction: Connection, table: str, last: int) -> None:
    """A table made anew counts on from the rows it has; ids of deleted ones would come back."""
    if not _has_table(transaction, table) or last <= _last_ids(transaction).get(table, -1):
        return
    row = {"table": table, "last": last}
    transaction.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), row)
    transaction.execute(text("INSERT INTO sqlite_sequence VALUES (:table, :last)"), row)
