"""A look at a database that changes nothing: no file is made, no table, no turn taken."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from jobrunner.core.errors import JobrunnerError
from jobrunner.core.finding import Finding, problem
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


def tried(
    name: str, check: Callable[[], Iterable[Finding]], database: Database
) -> Iterator[Finding]:
    """What one check finds; that it cannot be made is a finding too."""
    try:
        yield from check()
    except DBAPIError as error:
        reason = trouble.explain(error, database.name)
        yield problem(name, str(reason), reason.hint)
    except JobrunnerError as error:
        yield problem(name, str(error), error.hint)
    except OSError as error:
        says = f"{error.filename} cannot be looked at: {error.strerror}"
        yield problem(name, says, "Run it as the user who owns the database.")
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        says = f"what is stored cannot be read ({type(error).__name__}: {error})"
        yield problem(name, says, "See `jobrunner db check`.")


def is_quiet(path: Path) -> bool:
    """Whether nobody has the database open, and all of it is in the one file.

    A WAL database without its -wal is read as if on a read-only medium: reading it in any other
    way would make the -wal and the -shm. The same where only the -shm is missing: what the -wal
    holds is then not seen, and told as such.
    """
    beside = {suffix for suffix in ("-wal", "-shm", "-journal") if Path(f"{path}{suffix}").exists()}
    return "-journal" not in beside and not {"-wal", "-shm"} <= beside


class Fingerprint(NamedTuple):
    """What changes when somebody writes, or opens a quiet database."""

    is_quiet: bool
    written_at: int
    size: int
    inode: int


def fingerprint(path: Path) -> Fingerprint:
    """Look at the files of a database from outside."""
    found = path.stat()
    return Fingerprint(is_quiet(path), found.st_mtime_ns, found.st_size, found.st_ino)
