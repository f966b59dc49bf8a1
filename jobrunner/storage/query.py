"""Run one query that people have written, which may read and nothing else."""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection

from jobrunner.core.errors import DatabaseError
from jobrunner.core.query import Found, QueryError
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from jobrunner.storage.sqlite import BUSY_TIMEOUT_MS, choose_driver

AT_ONCE: Final = 500
"""Rows fetched at a time."""

_MAY: Final = frozenset({20, 21, 31, 33})
"""What SQLite calls to read a column, to select, to call a function, and to do so recursively."""

_LOOK_EVERY: Final = 20_000
"""Steps of SQLite after which a signal is seen to."""


@contextlib.contextmanager
def queried(database: Database, words: str) -> Generator[Found]:
    """Run a query; its rows are read inside the block, in one consistent view.

    Raises:
        QueryError: it is no query, or has an error in it.
        SchemaError: the tables are of another version.
        DatabaseError: the database cannot be used.
    """
    migrate.ensure(database, read_only=True)
    if database.path is not None:
        with _in_file(database.path, words) as found:
            yield found
    else:
        with database.reading() as connection, _on_server(connection, words) as found:
            yield found


@contextlib.contextmanager
def _in_file(path: Path, words: str) -> Generator[Found]:
    """On a connection of its own, which cannot write, whatever it is asked."""
    driver: Any = choose_driver()
    with _told(driver.Error, driver.Warning), contextlib.ExitStack() as until_read:
        connection = driver.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
        until_read.callback(connection.close)
        for pragma in ("query_only=ON", "trusted_schema=OFF", f"busy_timeout={BUSY_TIMEOUT_MS}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.set_progress_handler(_go_on, _LOOK_EVERY)
        connection.set_authorizer(_may)
        cursor = connection.execute(words)
        if cursor.description is None:
            raise QueryError("it selects nothing")
        yield _found(cursor)


def _may(action: int, *_: object) -> int:
    return 0 if action in _MAY else 1


def _go_on() -> int:
    """Python sees to its signals on the way here."""
    return 0


@contextlib.contextmanager
def _on_server(connection: Connection, words: str) -> Generator[Found]:
    """As a cursor in a transaction that only reads.

    A cursor takes one statement that selects; by itself, a COPY could write files of the server,
    and a COMMIT leave the transaction (guarded by test_only_a_query_is_run).
    """
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi.Error
    with _told(errors), driver.cursor(name="jobrunner_sql") as cursor:
        cursor.execute(words.strip().removesuffix(";"))
        yield _found(cursor)


def _found(cursor: Any) -> Found:
    return Found([column[0] for column in cursor.description], _rows(cursor))


def _rows(cursor: Any) -> Iterator[Any]:
    while rows := cursor.fetchmany(AT_ONCE):
        yield from rows


@contextlib.contextmanager
def _told(*errors: type[Exception]) -> Generator[None]:
    try:
        yield
    except errors as error:
        if type(error).__name__ == "InterfaceError":  # pragma: no cover — the session is over
            raise DatabaseError(f"the query could not be run: {error}") from error
        if str(error) == "interrupted":  # Ctrl-C came in `_go_on`, where Python drops it
            raise KeyboardInterrupt from error
        raise QueryError(_denied(str(error))) from error


def _denied(said: str) -> str:
    """What the database says, in a way that tells what may be asked."""
    if said.startswith("not authorized") or "prohibited" in said:
        return "only a SELECT of the tables and views is run here"
    return said
