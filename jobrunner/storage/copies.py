"""A copy of a database under its own name: whole, sound and on the disk, or not there at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from jobrunner.core.errors import DatabaseDamagedError, DatabaseError, DiskFullError
from jobrunner.storage import sqlite, trouble

Examine = Callable[[Connection], Iterator[str]]
"""Says what is wrong with a database, a sentence each."""

COMPANIONS: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database and reads as a part of it."""

UNFINISHED: Final = ".partial"
"""How the name of a copy ends that is being made; one left by a kill may be deleted."""


def refuse(target: Path, *, database: Path, overwrite: bool) -> None:
    """Make sure that a copy may stand there.

    Raises:
        DatabaseError: it would cover another file, or become part of another database.
    """
    ends = ("", *COMPANIONS, ".lock", ".reserve", ".workers")
    own = [Path(f"{database}{end}") for end in ends]
    if any(_is_same(target, path) for path in own):
        raise DatabaseError(f"{target} is the database itself", hint="Name another file.")
    if target.is_dir():
        raise DatabaseError(f"{target} is a folder", hint="Name a file in it.")
    if target.exists() and not overwrite:
        raise _exists(target)
    for path in map(Path, (f"{target}{end}" for end in COMPANIONS)):
        if path.exists():  # it would be read as a part of the copy, and ruin it
            raise DatabaseError(
                f"{path.name} is beside it: {target} is in use, or was", hint="Name another file."
            )


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return one.absolute() == other.absolute()


def _exists(target: Path) -> DatabaseError:
    return DatabaseError(f"{target} exists already", hint="Name another file, or use --force.")


def publish(partial: Path, target: Path, *, overwrite: bool) -> None:
    """Give a finished copy its name, for good.

    Raises:
        DatabaseError: somebody else has taken the name meanwhile.
    """
    if overwrite:
        partial.replace(target)
    else:
        try:
            target.hardlink_to(partial)  # unlike a rename it never covers a file
        except FileExistsError:
            raise _exists(target) from None
        except OSError:  # not every file system has links
            partial.rename(target)
    sync(target.parent)


@contextlib.contextmanager
def beside(target: Path) -> Generator[Path]:
    """A private empty file in the target's folder, which is gone at the end.

    Raises:
        DatabaseError: the folder takes no file; also for any trouble with files in the block.
    """
    with _told(target):
        descriptor, name = tempfile.mkstemp(UNFINISHED, f"{target.name}.", target.parent)
        os.close(descriptor)
        try:
            yield Path(name)
        finally:
            for end in ("", *COMPANIONS):
                Path(f"{name}{end}").unlink(missing_ok=True)


@contextlib.contextmanager
def _told(target: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if not target.parent.is_dir():
            raise DatabaseError(
                f"there is no folder {target.parent}", hint="Make it, or name another file."
            ) from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _no_room(target) from error
        raise DatabaseError(
            f"{target} cannot be written: {error.strerror}",
            hint="Name a file in a folder that you may write to.",
        ) from error


def _no_room(target: Path) -> DiskFullError:
    return DiskFullError(
        f"there is no room for {target}: the disk is full",
        hint="Free some space, or name a file on another disk; nothing was changed.",
    )


def fill(partial: Path, connection: Connection, *, target: Path, examine: Examine) -> None:
    """Copy what `connection` sees, outside a transaction, into a file of `beside`.

    One statement reads one view, and no writer waits for it. Then the copy is examined as a
    database of its own, and brought to the disk.

    Raises:
        DiskFullError: there is no room for it.
        DatabaseDamagedError: it is not sound.
    """
    try:
        connection.exec_driver_sql("VACUUM INTO ?", (str(partial),))
    except DBAPIError as error:
        if isinstance(trouble.explain(error, str(partial)), DiskFullError):
            raise _no_room(target) from error
        raise
    with opened(partial) as copy:
        problem = next(examine(copy), None)
    if problem:
        raise DatabaseDamagedError(
            f"the database is not sound: {problem}",
            hint="`jobrunner db check` tells all that is wrong.",
        )
    sync(partial)


@contextlib.contextmanager
def opened(path: Path) -> Generator[Connection]:
    """A file as a database that is only read, in no transaction, with nothing made beside it.

    Raises:
        DatabaseError: it cannot be read.
    """
    driver = sqlite.choose_driver()
    alone = not any(Path(f"{path}{end}").exists() for end in COMPANIONS)
    address = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if alone else ''}"

    def connect() -> Any:
        connection = driver.connect(address, uri=True, isolation_level=None)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    engine = create_engine("sqlite://", module=driver, creator=connect, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise trouble.explain(error, str(path)) from error
    finally:
        engine.dispose()


def sync(path: Path) -> None:
    """Bring a folder or a closed file to the disk. Never a database in use: see `sqlite`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
