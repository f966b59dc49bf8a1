"""Backups of an SQLite file: made while workers write, and put in its place when it is lost."""

import contextlib
from collections.abc import Generator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from jobrunner.core.errors import DatabaseDamagedError, DatabaseError, SchemaError
from jobrunner.core.task import WorkerId
from jobrunner.storage import check, copies, migrate, sqlite, trouble, workers
from jobrunner.storage.dialect import damage
from jobrunner.storage.engine import Database
from jobrunner.storage.turnstile import Turnstile

STAMP: Final = "%Y%m%d-%H%M%S"
PATIENCE: Final = 0.5
"""Seconds to wait until nobody writes; who restores a database has stopped what uses it."""

_UNCHANGED: Final = "Nothing was changed; name another backup."


class Restored(NamedTuple):
    """Where the old file is kept, if there was one, and the workers that the backup knew alive."""

    kept: Path | None
    workers: list[WorkerId]


def default_target(database: Database, *, now: datetime) -> Path:
    """Where a backup goes that nobody named: beside the database, with the time."""
    path = _file(database)
    return path.with_name(f"{path.name}.backup-{now:{STAMP}}")


def backup(database: Database, target: Path, *, overwrite: bool = False) -> Path:
    """Write a sound copy of the database to `target`; returns it as an absolute path.

    Workers go on meanwhile: every task whose enqueue has returned before is in it. Until it is
    whole it has a name that ends in `.partial`.

    Raises:
        DatabaseError: the database is a server's, or the target is not free.
        DiskFullError: there is no room for it.
        DatabaseDamagedError: the database is not sound; no copy is kept.
    """
    path, target = _file(database), target.absolute()
    if not path.exists():
        raise DatabaseError(f"there is no database {path}", hint="Name another with --db.")
    copies.refuse(target, database=path, overwrite=overwrite)
    with copies.beside(target) as partial, database.outside() as connection:
        copies.fill(partial, connection, target=target, examine=_problems)
        copies.publish(partial, target, overwrite=overwrite)
    return target


def restore(database: Database, source: Path, *, now: datetime) -> Restored:
    """Put a copy of a backup in the place of the database, which is kept aside.

    The caller makes sure that no worker is alive; here nobody else may have the file open.

    Raises:
        DatabaseError: the backup cannot be used, or the database is in use; nothing was changed.
    """
    path, source = _file(database), source.absolute()
    _refuse(source, path)
    kept = path.with_name(f"{path.name}.before-restore-{now:{STAMP}}")
    with copies.beside(path) as partial:
        known = _copy(source, partial, path)
        database.close()
        with _turn(path):
            has_old = path.exists()
            with _keeping(path, kept):
                if has_old:
                    _make_sure_of_being_alone(path)
                _drop_companions(path)
                copies.publish(partial, path, overwrite=has_old)
    return Restored(kept if has_old else None, known)


def _file(database: Database) -> Path:
    if database.path is None:
        raise DatabaseError(
            f"{database.name} is on a server", hint="Use its own pg_dump and pg_restore."
        )
    return database.path


def _problems(connection: Connection) -> Iterator[str]:
    """An older schema is only examined as far as SQLite knows it."""
    current = migrate.version(connection) == migrate.HEAD
    return check.problems(connection) if current else damage(connection)


def _refuse(source: Path, path: Path) -> None:
    if not source.is_file():
        problem = f"there is no file {source}" if not source.exists() else f"{source} is no file"
        raise DatabaseError(problem, hint=_UNCHANGED)
    if path.exists() and path.samefile(source):
        raise DatabaseError(f"{source} is the database itself", hint=_UNCHANGED)


def _copy(source: Path, partial: Path, path: Path) -> list[WorkerId]:
    """Examine the backup, and its copy; returns the workers that it knows alive."""
    try:
        with copies.opened(source) as connection:
            _examine(connection, source)
            copies.fill(partial, connection, target=path, examine=_problems)
            return workers.alive_ids(connection)
    except DatabaseDamagedError as error:
        error.hint = _UNCHANGED
        raise


def _examine(connection: Connection, source: Path) -> None:
    found = migrate.version(connection)
    if found is None:
        raise SchemaError(f"{source} holds no tables of jobrunner", hint=_UNCHANGED)
    migrate.refuse_newer(found)
    if problem := next(_problems(connection), None):
        raise DatabaseDamagedError(f"{source} is not sound: {problem}", hint=_UNCHANGED)


@contextlib.contextmanager
def _turn(path: Path) -> Generator[None]:
    turnstile = Turnstile(Path(f"{path}.lock"), patience=PATIENCE)
    try:
        with turnstile.turn() as in_time:
            if not in_time:
                raise _in_use(path)
            yield
    finally:
        turnstile.close()


def _make_sure_of_being_alone(path: Path) -> None:
    """Nobody has the file open: his next commits would go to the one that is kept aside.

    A -wal that SQLite can read is taken into the file, as whenever the last one closes it.
    """
    driver = sqlite.choose_driver()
    connection = driver.connect(str(path), timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except driver.DatabaseError as error:
        if trouble.is_locked(error):
            raise _in_use(path) from error
        # Else it is damaged: that is why it is replaced.
    finally:
        connection.close()


def _in_use(path: Path) -> DatabaseError:
    return DatabaseError(
        f"{path} is in use",
        hint=f"Stop what uses it (`fuser {path}` names it); nothing was changed.",
    )


@contextlib.contextmanager
def _keeping(path: Path, kept: Path) -> Generator[None]:
    """Give the old file and its -wal second names, before anything looks into a damaged one.

    At every moment the whole old database is there under one of the names; where the block
    fails, under the first.
    """
    made: list[tuple[Path, Path]] = []
    try:
        for end in ("", "-wal", "-journal"):  # SQLite makes the -shm anew
            old, new = Path(f"{path}{end}"), Path(f"{kept}{end}")
            if old.exists():
                _link(old, new)
                made.append((old, new))
        copies.sync(path.parent)
        yield
    except BaseException:
        is_replaced = path.exists() and not (kept.exists() and path.samefile(kept))
        if not is_replaced:
            _take_back(made)
        raise


def _take_back(made: list[tuple[Path, Path]]) -> None:
    for old, new in made:
        if old.exists():
            new.unlink()
        else:
            new.rename(old)


def _link(old: Path, new: Path) -> None:
    try:
        new.hardlink_to(old)
    except FileExistsError:
        raise DatabaseError(f"{new} exists already", hint="Try again in a second.") from None
    except OSError as error:  # not every file system has links
        raise DatabaseError(
            f"{old} cannot be kept as {new.name}: {error.strerror}",
            hint="Move it out of the way with its -wal, then restore again.",
        ) from error


def _drop_companions(path: Path) -> None:
    """A -wal that stayed would be taken for the new file's, and ruin it."""
    for end in copies.COMPANIONS:
        Path(f"{path}{end}").unlink(missing_ok=True)
    copies.sync(path.parent)
