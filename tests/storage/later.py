"""A later version of jobrunner: its migration, and what shows that no row was lost on the way."""

from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from jobrunner.storage import migrate
from jobrunner.storage.tables import metadata

BEFORE: Final = migrate.HEAD
LATER: Final = f"{int(BEFORE) + 1:04}"

REVISION: Final = """
import os, signal
from pathlib import Path
import sqlalchemy as sa
from alembic import op
from jobrunner.storage.tables import tasks

HERE = Path(__file__).parent

def how():
    return "always" if op.get_bind().dialect.name == "sqlite" else "never"

def upgrade():
    with open(HERE / "log", "a") as log:
        log.write(f"{os.getpid()}\\n")
    copy = tasks.to_metadata(sa.MetaData())
    with op.batch_alter_table("tasks", copy_from=copy, recreate=how()) as batch:
        batch.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="blue"))
    if (HERE / "kill").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if (HERE / "lose").exists():
        op.execute("DELETE FROM tasks WHERE id = 1")

def downgrade():
    with op.batch_alter_table("tasks", recreate=how()) as batch:
        batch.drop_column("colour")

revision, down_revision, branch_labels, depends_on = "LATER", "BEFORE", None, None
""".replace("LATER", LATER).replace("BEFORE", BEFORE)
"""The next revision; of a file it rebuilds the table that all others refer to."""

OPENER: Final = """
import sys
import alembic.command
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database

print("ready", flush=True)
for line in sys.stdin:
    database = Database(line.strip())
    (migrate.ensure if database.path else migrate.upgrade)(database)
    with database.reading() as transaction:
        print(migrate.version(transaction), flush=True)
    database.close()
"""
"""Opens the databases that it is told, one after the other."""

STARTER: Final = f"""
import sys
from pathlib import Path
import alembic.config
from jobrunner.storage import migrate

scripts = Path(sys.argv[1])
migrate.scripts, migrate.HEAD, migrate.KNOWN = lambda: scripts, "{LATER}", ("{BEFORE}", "{LATER}")
{OPENER}"""
"""Opens the databases that it is told with that revision."""


def rows(database):
    """All that there is, each table by the columns of the present schema."""
    with database.reading() as connection:
        own = ["sqlite_sequence"] if database.path else []
        return {table: _rows(connection, table) for table in [*metadata.tables, *own]}


def _rows(connection, table):
    query = text(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608
    found = [dict(row) for row in connection.execute(query).mappings()]
    return [{name: row[name] for name in row if name != "colour"} for row in found]


def version(database):
    with database.reading() as connection:
        return migrate.version(connection)


def downgrade(database, scripts, to=BEFORE):
    config = Config()
    config.set_main_option("script_location", str(scripts))
    with database.writing(rebuilds=True) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, to)
