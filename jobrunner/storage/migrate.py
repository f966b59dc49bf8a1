"""The schema's versions: found on open, made or brought up to date, never guessed."""

import os
import threading
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, column, inspect, select, table

from jobrunner.core.errors import SchemaError
from jobrunner.storage import copies, moves, sqlite
from jobrunner.storage.dialect import damage
from jobrunner.storage.engine import Database

HEAD: Final = "0007"
"""The newest revision; a test holds it to the scripts."""

KNOWN: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
VERSION_TABLE: Final = "jobrunner_version"


class Upgraded(NamedTuple):
    """The revisions before and now, and the backup of a file that was changed."""

    before: str | None
    now: str
    backup: Path | None = None


def scripts() -> Path:
    """The folder of the migrations: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def version(connection: Connection) -> str | None:
    """The revision the database is at, `None` where jobrunner has no tables yet."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if "tasks" in tables:
            raise SchemaError(
                "the database holds a table named tasks that is not jobrunner's",
                hint="Give jobrunner a file or a schema of its own with --db.",
            )
        return None
    revision = table(VERSION_TABLE, column("version_num"))
    found: str | None = connection.scalar(select(revision.c.version_num))
    return found


def ensure(database: Database, *, read_only: bool = False) -> None:
    """Open the database at the newest schema: an SQLite file is made or upgraded on the spot.

    Raises:
        SchemaError: it was made by a newer jobrunner, or needs `db upgrade`, being a server's or
            `read_only`.
        DatabaseMovedError: its work goes on in another database.
        DatabaseError: it cannot be opened.
    """
    if database.path is not None and not read_only:
        sqlite.create_private(database.path)
    with database.reading() as connection:
        moves.refuse(connection, database.name)
        found = version(connection)
    if found == HEAD:
        return
    refuse_newer(found)
    if database.path is None or read_only:
        raise SchemaError(
            f"the tables of {database.name} are at version {found or 'none'}, not {HEAD}",
            hint="Run `jobrunner db upgrade`.",
        )
    upgrade(database)


def upgrade(database: Database) -> Upgraded:
    """Bring the database to the newest revision, a file of an older one with a backup first.

    Any number of processes may call this at once: one migrates, the others find it done.

    Raises:
        SchemaError: it was made by a newer jobrunner.
        DiskFullError: there is no room for the backup; nothing was changed.
        DatabaseDamagedError: it is not sound; nothing was changed.
    """
    if database.path is not None:
        sqlite.create_private(database.path)
    kept = None
    with _alone, database.writing(rebuilds=True) as connection:
        found = version(connection)
        refuse_newer(found)
        if found != HEAD:
            if found is not None and database.path is not None:
                kept = _keep(database, database.path)
            _run(connection)
    return Upgraded(found, HEAD, kept)


def _keep(database: Database, path: Path) -> Path:
    """Back up what is stored, while the migrating transaction keeps all others from writing.

    One that was killed is repeated, and its backup with it: there is one for each revision.
    """
    target = path.with_name(f"{path.name}.before-{HEAD}")
    copies.refuse(target, database=path, overwrite=True)
    with copies.beside(target) as partial, database.outside() as connection:
        copies.fill(partial, connection, target=target, examine=damage)
        copies.publish(partial, target, overwrite=True)
    return target


def refuse_newer(found: str | None) -> None:
    """Leave what a newer jobrunner has made alone.

    Raises:
        SchemaError: this one does not know its revision.
    """
    if found is not None and found not in KNOWN:
        raise SchemaError(
            f"the database was made by a newer jobrunner (schema {found}, this one knows {HEAD})",
            hint="Upgrade jobrunner, or use another database.",
        )


def _run(connection: Connection) -> None:
    # Alembic takes 0.7 s to import: only who migrates pays for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


_alone = threading.Lock()
"""Of a process: Alembic's `op` is one for all its threads, and would write into either's database
(guarded by test_files_that_threads_make_at_once_are_whole)."""


def _start_afresh() -> None:
    global _alone  # noqa: PLW0603 — the thread that holds it is not in this process
    _alone = threading.Lock()


os.register_at_fork(after_in_child=_start_afresh)
