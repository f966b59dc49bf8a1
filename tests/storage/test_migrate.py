"""The schema: made on open, brought up to date once, never guessed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from jobrunner.core.errors import DatabaseError, SchemaError
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from jobrunner.storage.tables import metadata


@pytest.fixture
def fresh(empty_location):
    database = Database(empty_location)
    yield database
    database.close()


def alembic(connection):
    config = Config()
    config.set_main_option("script_location", str(migrate.scripts()))
    config.attributes["connection"] = connection
    return config


IN_A_FILE = """
    SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name
"""
ON_A_SERVER = """
    SELECT 'index' AS type, indexname AS name, indexdef AS sql
    FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL SELECT 'column', table_name || '.' || column_name,
        concat_ws(' ', data_type, is_nullable, column_default, is_identity)
    FROM information_schema.columns WHERE table_schema = current_schema()
    ORDER BY 1, 2
"""


def schema(connection):
    """Tables, indexes and constraints as the database itself tells them."""
    is_file = connection.dialect.name == "sqlite"
    return connection.execute(text(IN_A_FILE if is_file else ON_A_SERVER)).all()


def run(database, *statements):
    with database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_the_head_is_the_newest_script():
    scripts = ScriptDirectory(str(migrate.scripts()))
    assert scripts.get_heads() == [migrate.HEAD]
    known = [script.revision for script in scripts.walk_revisions()]
    assert sorted(known) == sorted(migrate.KNOWN)


def test_the_migrated_database_is_that_of_the_tables(database):
    with database.reading() as connection:
        options = {"version_table": migrate.VERSION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_what_autogenerate_does_not_compare_is_the_same_too(fresh):
    def rules(connection):
        look = inspect(connection)
        tables = {
            name: (
                [str(column) for column in look.get_columns(name)],
                sorted((c["name"], c["sqltext"]) for c in look.get_check_constraints(name)),
                sorted(str(c) for c in look.get_foreign_keys(name)),
                sorted(str(c) for c in look.get_unique_constraints(name)),
                look.get_table_options(name),
            )
            for name in metadata.tables
        }
        indexes = [row for row in schema(connection) if row.type == "index"]
        return tables, [row for row in indexes if migrate.VERSION_TABLE not in row.sql]

    with fresh.writing() as connection:
        metadata.create_all(connection)
        made = rules(connection)
        metadata.drop_all(connection)
    migrate.upgrade(fresh)
    with fresh.reading() as connection:
        assert rules(connection) == made


def test_upgrade_downgrade_and_upgrade_come_to_the_same(fresh):
    assert migrate.upgrade(fresh) == (None, migrate.HEAD, None)
    with fresh.writing(rebuilds=True) as connection:
        first = schema(connection)
        command.downgrade(alembic(connection), "base")
    with fresh.writing() as connection:
        assert inspect(connection).get_table_names() == [migrate.VERSION_TABLE]
        assert migrate.version(connection) is None
    assert migrate.upgrade(fresh) == (None, migrate.HEAD, None)
    with fresh.reading() as connection:
        assert schema(connection) == first


def test_an_open_at_the_head_changes_nothing(store):
    store.add()
    migrate.ensure(store.database)
    assert migrate.upgrade(store.database) == (migrate.HEAD, migrate.HEAD, None)
    assert store.sql("SELECT count(*) FROM tasks") == [(1,)]


def test_an_open_at_the_head_does_not_write(database):
    with database.writing():  # a second writer would wait here for ever
        other = Database(database.location)
        migrate.ensure(other)
        other.close()


def test_who_only_reads_upgrades_nothing(fresh):
    with pytest.raises(SchemaError, match="version none") as told:
        migrate.ensure(fresh, read_only=True)
    assert "db upgrade" in told.value.hint
    with fresh.reading() as connection:
        assert inspect(connection).get_table_names() == []


@pytest.mark.parametrize("call", [migrate.ensure, migrate.upgrade])
def test_a_newer_database_is_refused_and_left_alone(store, call):
    store.add()
    store.sql("UPDATE jobrunner_version SET version_num = '9999'")
    with pytest.raises(SchemaError, match=r"newer jobrunner \(schema 9999") as told:
        call(store.database)
    assert "Upgrade jobrunner" in told.value.hint
    assert isinstance(told.value, DatabaseError)
    assert store.sql("SELECT count(*) FROM tasks") == [(1,)]
    assert store.sql("SELECT version_num FROM jobrunner_version") == [("9999",)]


@pytest.mark.parametrize("call", [migrate.ensure, migrate.upgrade])
def test_a_table_named_tasks_of_somebody_else_is_refused(fresh, call):
    run(fresh, "CREATE TABLE tasks (title TEXT)", "INSERT INTO tasks VALUES ('dishes')")
    with pytest.raises(SchemaError, match="not jobrunner's") as told:
        call(fresh)
    assert "--db" in told.value.hint
    with fresh.reading() as connection:
        assert connection.execute(text("SELECT * FROM tasks")).all() == [("dishes",)]
        assert inspect(connection).get_table_names() == ["tasks"]


def test_other_tables_of_somebody_else_are_left_alone(fresh):
    run(fresh, "CREATE TABLE recipes (title TEXT)", "INSERT INTO recipes VALUES ('soup')")
    migrate.upgrade(fresh)
    with fresh.reading() as connection:
        assert connection.execute(text("SELECT * FROM recipes")).all() == [("soup",)]


def test_a_migration_that_fails_leaves_nothing(fresh):
    run(fresh, "CREATE TABLE progress (title TEXT)")  # stands in the way of the last table
    with pytest.raises(DatabaseError):
        migrate.upgrade(fresh)
    with fresh.reading() as connection:
        assert inspect(connection).get_table_names() == ["progress"]


def test_files_that_threads_make_at_once_are_whole(tmp_path, made_file):
    places = [tmp_path / f"{number}.db" for number in range(6)]
    start = threading.Barrier(len(places))

    def make(place):
        start.wait()
        with closing(Database(place)) as database:
            migrate.ensure(database)
            with database.reading() as connection:
                return schema(connection)

    with closing(Database(made_file)) as made, made.reading() as connection:
        right = schema(connection)
    with ThreadPoolExecutor(len(places)) as threads:
        assert [*threads.map(make, places)] == [right] * len(places)


def test_a_path_with_a_percent_sign_is_no_format(tmp_path):
    database = Database(tmp_path / "100%s.db")
    migrate.ensure(database)
    with database.reading() as connection:
        assert migrate.version(connection) == migrate.HEAD
    database.close()
