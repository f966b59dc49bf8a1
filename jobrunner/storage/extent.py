"""How much room a database takes, and what holds it."""

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text

from jobrunner.storage import migrate, sqlite


class Extent(NamedTuple):
    """Sizes in bytes; `wal` is that of a file's log, `None` at a server. `engine` names both."""

    engine: str
    size: int
    wal: int | None
    schema: str | None


def extent(transaction: Connection, path: Path | None) -> Extent:
    """Of the file at `path`, or of the database at the server."""
    schema = migrate.version(transaction)
    if path is not None:
        engine = f"SQLite {sqlite.choose_driver().sqlite_version}"
        return Extent(engine, sqlite.size(path), sqlite.size(f"{path}-wal"), schema)
    size = transaction.scalar(select(func.pg_database_size(func.current_database())))
    version = transaction.scalar(text("SHOW server_version"))
    return Extent(f"PostgreSQL {version}", int(size or 0), None, schema)
