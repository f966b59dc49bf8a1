"""The schema's versions: found on open, made or brought up to date, never guessed."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, column, inspect, select, table

from jobrunner.core.errors import SchemaError
from jobrunner.storage import sqlite
from jobrunner.storage.engine import Database

HEAD: Final = "0001"
"""The newest revision; a test holds it to the scripts."""

KNOWN: Final = ("0001",)
VERSION_TABLE: Final = "jobrunner_version"


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
                hint="Give jobrunner a file of its own with --db.",
            )
        return None
    revision = table(VERSION_TABLE, column("version_num"))
    found: str | None = connection.scalar(select(revision.c.version_num))
    return found


def ensure(database: Database) -> None:
    """Open the database at the newest schema: an SQLite file is made or upgraded on the spot.

    Raises:
        SchemaError: it was made by a newer jobrunner, or is a server's that needs `db upgrade`.
        DatabaseError: it cannot be opened.
    """
    if database.path is not None:
        sqlite.create_private(database.path)
    with database.reading() as connection:
        found = version(connection)
    if found == HEAD:
        return
    _refuse_newer(found)
    if not database.is_sqlite:
        raise SchemaError(
            f"the tables of {database.name} are at version {found or 'none'}, not {HEAD}",
            hint="Run `jobrunner db upgrade`.",
        )
    upgrade(database)


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the database to the newest revision; returns the revisions before and after.

    Any number of processes may call this at once: one migrates, the others find it done.
    """
    if database.path is not None:
        sqlite.create_private(database.path)
    with database.writing() as connection:
        found = version(connection)
        _refuse_newer(found)
        if found != HEAD:
            _run(connection)
    return found, HEAD


def _refuse_newer(found: str | None) -> None:
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
