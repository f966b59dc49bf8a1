"""A server's database: how its sessions are set up, whose clock counts, where its tables live."""

from datetime import UTC

import pytest
from sqlalchemy import inspect, text

from jobrunner.core.errors import DatabaseError, SchemaError
from jobrunner.storage import backup, migrate
from jobrunner.storage.engine import Database
from jobrunner.storage.tables import metadata
from tests.databases import on_a_server
from tests.storage.conftest import Store

WRITING = {
    "transaction_isolation": "read committed",
    "transaction_read_only": "off",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "application_name": "jobrunner",
}
READING = WRITING | {"transaction_isolation": "repeatable read", "transaction_read_only": "on"}


def settings(connection):
    return {name: connection.scalar(text(f"SHOW {name}")) for name in WRITING}


@pytest.fixture
def within(location):
    """The same database, where only one schema of it is ours."""
    opened = []

    def database(schema):
        opened.append(Database(f"{location}&schema={schema}"))
        return opened[-1]

    yield database
    for one in opened:
        one.close()


@on_a_server
def test_every_connection_is_set_up_as_designed(database):
    with database.reading() as one, database.reading() as two, database.writing() as three:
        assert settings(one) == settings(two) == READING
        assert settings(three) == WRITING
    with database.writing() as after_reading:  # on a connection that was used for the other
        assert settings(after_reading) == WRITING


@on_a_server
def test_a_word_of_the_users_own_wins(location):
    database = Database(f"{location}&options=-c%20lock_timeout%3D7s&application_name=mine")
    with database.writing() as connection:
        mine = {"lock_timeout": "7s", "application_name": "mine"}
        assert settings(connection) == WRITING | mine
    database.close()


@on_a_server
def test_the_time_is_the_servers(database, server):
    with server.connection() as other:
        clock = "SELECT clock_timestamp()"
        before = other.execute(clock).fetchone()[0]
        now = database.server_time()
        assert before <= now <= other.execute(clock).fetchone()[0]
    assert now.astimezone(UTC) == now


def test_the_tables_are_made_on_request_only(server):
    with server.database(empty=True) as url:
        database = Database(url)
        with pytest.raises(SchemaError, match="are at version none, not") as told:
            migrate.ensure(database)
        assert told.value.hint == "Run `jobrunner db upgrade`."
        with database.reading() as connection:
            assert inspect(connection).get_table_names() == []
        migrate.upgrade(database)
        migrate.ensure(database)
        database.close()


def test_a_schema_of_ones_own_is_made_and_holds_all(server):
    with server.database(empty=True) as url:
        database = Database(f"{url}&schema=jobs")
        assert migrate.upgrade(database).now == migrate.HEAD
        with database.reading() as connection:
            look = inspect(connection)
            ours = {*metadata.tables, migrate.VERSION_TABLE}
            assert ours <= set(look.get_table_names("jobs"))
            assert look.get_table_names("public") == []
            elsewhere = """SELECT count(*) FROM pg_class c JOIN pg_namespace n
                ON n.oid = c.relnamespace WHERE nspname NOT IN ('jobs', 'information_schema')
                AND nspname NOT LIKE 'pg\\_%'"""
            assert connection.scalar(text(elsewhere)) == 0
        database.close()


@on_a_server
def test_queues_in_two_schemas_of_a_database_do_not_see_each_other(within, store):
    first, second = Store(within("first")), Store(within("second"))
    for one in (first, second):
        with pytest.raises(SchemaError):
            migrate.ensure(one.database)
        migrate.upgrade(one.database)
        one.worker("ada")
    first.add(description="first")
    assert [one.sql("SELECT description FROM tasks") for one in (first, second, store)] == [
        [("first",)],
        [],
        [],
    ]
    assert second.claim() == []
    assert len(first.claim()) == 1
    assert len({one.database.name for one in (first, second, store)}) == 3
    assert len({one.database.lock_folder for one in (first, second, store)}) == 3


def test_a_table_of_somebody_else_in_another_schema_is_in_nobodys_way(server):
    with server.database(empty=True) as url:
        plain = Database(url)
        with plain.writing() as connection:
            connection.execute(text("CREATE TABLE tasks (title TEXT)"))
        with pytest.raises(SchemaError, match="not jobrunner's") as told:
            migrate.upgrade(plain)
        assert "a schema of its own" in told.value.hint
        database = Database(f"{url}&schema=jobs")
        migrate.upgrade(database)
        migrate.ensure(database)
        database.close()
        plain.close()


@on_a_server
def test_backups_are_the_servers_own_affair(store, tmp_path):
    for call, options in ((backup.backup, {}), (backup.restore, {"now": store.now})):
        with pytest.raises(DatabaseError, match="is on a server") as told:
            call(store.database, tmp_path / "copy.db", **options)
        assert "pg_dump" in told.value.hint
    assert list(tmp_path.iterdir()) == []
