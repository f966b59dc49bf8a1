"""What SQLite needs: a sound library, safe settings, private files."""

import contextlib
import importlib
import os
import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from jobrunner.core.errors import DatabaseError

BEGIN: Final = "jobrunner_begin"
"""The execution option that says how a transaction begins; empty for none."""

BUSY_TIMEOUT_MS: Final = 5_000
JOURNAL_LIMIT: Final = 64 * 1024 * 1024
CHECKPOINT_PAGES: Final = 1_000
LOOKED_OVER_UP_TO: Final = 16 * 1024 * 1024
"""Bytes of a file that every worker looks through at its start, at 10 to 16 ms a MiB."""

PRAGMAS: Final = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    f"PRAGMA journal_size_limit={JOURNAL_LIMIT}",
    f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
    "PRAGMA fullfsync=ON",
    "PRAGMA checkpoint_fullfsync=ON",
)


def choose_driver() -> ModuleType:
    """The newer of Python's own SQLite and that of the `pysqlite3` wheel.

    One library for the whole process: two on one file both got the write lock.
    """
    try:
        wheel = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3
    return wheel if wheel.sqlite_version_info > sqlite3.sqlite_version_info else sqlite3


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether this SQLite can corrupt a WAL database under several connections.

    The WAL-reset race: 3.7.0 to 3.51.2, fixed in 3.51.3, 3.50.7 and 3.44.6
    (https://sqlite.org/wal.html#walresetbug).
    """
    if version >= (3, 51, 3):
        return False
    return not any(
        version[:2] == fixed[:2] and version >= fixed for fixed in ((3, 50, 7), (3, 44, 6))
    )


def open_engine(url: URL, turn: Callable[[], contextlib.AbstractContextManager[object]]) -> Engine:
    """An engine on a file. Nothing is opened yet; `turn` is taken to switch it to WAL."""
    engine = create_engine(
        url,
        module=choose_driver(),
        connect_args={"check_same_thread": False},
        pool_size=8,
        pool_use_lifo=True,  # the connection used last has the warmest cache
        max_overflow=-1,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        prepare(connection, turn)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if statement := connection.get_execution_options().get(BEGIN, "BEGIN"):
            run(connection, statement)

    return engine


def run(connection: Connection, statement: str, values: Sequence[Any] = ()) -> Any:
    """Run a statement past SQLAlchemy, to which a short one is ten times the work of SQLite.

    Returns the driver's cursor.

    Raises:
        DBAPIError: as SQLAlchemy would.
    """
    driver: Any = connection.connection.dbapi_connection
    try:
        return driver.execute(statement, values)
    except driver.Error as error:
        raise DBAPIError.instance(statement, values, error, driver.Error) from error


def prepare(connection: Any, turn: Callable[[], contextlib.AbstractContextManager[object]]) -> None:
    """Set up a new connection; every PRAGMA is read to its end, or it keeps a lock."""
    connection.isolation_level = None  # BEGIN is ours, from the engine's hook
    for pragma in PRAGMAS:
        connection.execute(pragma).fetchall()
    if connection.execute("PRAGMA journal_mode").fetchall() != [("wal",)]:
        # Two that switch at once block each other, and no busy timeout helps
        # (guarded by test_a_fresh_database_opened_by_many_is_made_once).
        with turn():
            if not _is_foreign(connection):
                connection.execute("PRAGMA journal_mode=WAL").fetchall()


def _is_foreign(connection: Any) -> bool:
    """Whether another program's tables are where ours would be: its file stays as it is."""
    named = "SELECT name FROM sqlite_master WHERE name IN ('tasks', 'jobrunner_version')"
    found: list[tuple[str]] = connection.execute(named).fetchall()
    return found == [("tasks",)]


@contextlib.contextmanager
def without_checkpoint(connection: Any) -> Generator[None]:
    """Let no commit of a connection end in a checkpoint, for one that is not in its turn."""
    connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
    try:
        yield
    finally:
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}").fetchall()


def damage(transaction: Connection) -> Iterator[str]:
    """What SQLite finds wrong with pages and references, a sentence each."""
    for (line,) in transaction.execute(text("PRAGMA integrity_check")).all():
        if line != "ok":
            yield f"damaged: {line}"
    yield from dangling(transaction)


_UNREAD: Final = re.compile(r"error code=(?!11$)\d+$")
"""How a check tells of an error of the disk; 11 is what SQLite calls damage."""


def quick_damage(transaction: Connection) -> str | None:
    """The first that a look at every page finds, indexes not compared; `None` if all is well.

    Raises:
        DatabaseError: a page could not be read, which is no damage: the next time it may be.
    """
    said: str = transaction.execute(text("PRAGMA quick_check(1)")).all()[0][0]
    line = said.splitlines()[-1]  # before it stands only the name of the database
    if _UNREAD.search(line):
        raise DatabaseError(
            f"the database could not be read: {line}",
            hint="Check the disk with `jobrunner doctor`.",
        )
    return None if line == "ok" else line


def dangling(transaction: Connection) -> Iterator[str]:
    """References to rows that are not there, a sentence each."""
    for table, row, parent, _ in transaction.execute(text("PRAGMA foreign_key_check")).all():
        yield f"row {row} of {table} refers to a missing row of {parent}"


def create_private(path: Path) -> None:
    """Make the database file readable by its owner only, before SQLite opens it.

    The -wal and -shm files inherit the mode. An existing file is never opened here: closing
    a descriptor of a database in use drops its locks.
    """
    with contextlib.suppress(FileExistsError):
        os.close(open_private(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC))


def size(path: str | Path) -> int:
    """Bytes of a file, 0 where there is none; never opened, only looked at."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 — each enqueue asks
    except OSError:
        return 0


def open_private(path: Path, flags: int) -> int:
    """Open a file that only its owner may read, where it is made now; returns the descriptor.

    Raises:
        FileExistsError: `flags` ask for a new one.
        DatabaseError: it cannot be opened.
    """
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:
        raise
    except FileNotFoundError as error:
        raise DatabaseError(
            f"the folder {path.parent} does not exist", hint="Create it, or name another --db."
        ) from error
    except OSError as error:
        raise DatabaseError(
            f"cannot use {path}: {error.strerror}",
            hint="Check the folder, its permissions and the free space.",
        ) from error
