"""A look at a database that changes nothing: no file is made, no table, no turn taken."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from jobrunner.storage import sqlite, trouble
from jobrunner.storage.engine import Database

PATIENCE_S: Final = 2.0
"""Seconds to wait for a lock: who looks must not hang where everybody else does."""


@contextlib.contextmanager
def looking(database: Database) -> Generator[Connection]:
    """A connection that only reads, each statement for itself.

    Raises:
        DatabaseError: it cannot be read.
    """
    if database.path is None:
        with database.reading() as connection:
            yield connection
        return
    path = database.path
    driver = sqlite.choose_driver()
    target = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if is_quiet(path) else ''}"

    def connect() -> Any:
        connection = driver.connect(target, uri=True, timeout=PATIENCE_S, isolation_level=None)
        for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    engine = create_engine("sqlite://", module=driver, creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise trouble.explain(error, database.name) from error
    finally:
        engine.dispose()


def is_quiet(path: Path) -> bool:
    """Whether nobody has the database open, and all of it is in the one file.

    A WAL database without its -wal is read as if on a read-only medium: reading it in any other
    way would make the -wal and the -shm. The same where only the -shm is missing: what the -wal
    holds is then not seen, and told as such.
    """
    return not all(os.path.exists(f"{path}{suffix}") for suffix in ("-wal", "-shm"))  # noqa: PTH110


def fingerprint(path: Path) -> tuple[object, ...]:
    """What changes when somebody writes, or opens a quiet database."""
    found = path.stat()
    return is_quiet(path), found.st_mtime_ns, found.st_size, found.st_ino
