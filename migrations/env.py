"""How Alembic reaches the database: by the connection jobrunner hands over, or on its own."""

from alembic import context
from sqlalchemy import Connection

from jobrunner.storage import views
from jobrunner.storage.dialect import rebuilding
from jobrunner.storage.engine import Database
from jobrunner.storage.migrate import VERSION_TABLE, version
from jobrunner.storage.tables import metadata


def run(connection: Connection) -> None:
    """Run the migrations inside the caller's transaction, which `rebuilds`."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        render_as_batch=True,
        include_name=lambda name, kind, _parents: kind != "table" or name in metadata.tables,
    )
    with rebuilding(connection), context.begin_transaction():
        views.drop(connection)  # or no table under them could be rebuilt
        context.run_migrations()
        if (version(connection) or "") >= views.SINCE:
            views.make(connection)


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    location = context.get_x_argument(as_dictionary=True).get("db")
    url = location or context.config.get_main_option("sqlalchemy.url") or ""
    with Database(url).writing(rebuilds=True) as own:
        run(own)
