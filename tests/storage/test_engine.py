"""Two kinds of transactions, and every trouble told in a sentence with a next step."""

import contextlib
import os
import stat
import sys

import pytest
from sqlalchemy import text

from jobrunner.core.errors import CommitUnknownError, DatabaseError
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from tests.databases import on_a_file

DESIGNED = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "mmap_size": 0,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "busy_timeout": 5_000,
    "journal_size_limit": 64 * 1024 * 1024,
}


def settings(connection):
    return {name: connection.scalar(text(f"PRAGMA {name}")) for name in DESIGNED}


@on_a_file
def test_every_connection_is_set_up_as_designed(database):
    with database.reading() as one, database.reading() as two, database.writing() as three:
        assert settings(one) == settings(two) == settings(three) == DESIGNED
        drivers = {id(found.connection.driver_connection) for found in (one, two, three)}
        assert len(drivers) == 3


@on_a_file
def test_the_file_and_its_companions_are_private(database):
    with database.reading() as connection:
        connection.execute(text("SELECT 1"))
        for suffix in ("", "-wal", "-shm", ".lock"):
            mode = os.stat(f"{database.path}{suffix}").st_mode  # noqa: PTH116
            assert stat.S_IMODE(mode) == 0o600, suffix


def test_a_write_is_committed_at_the_end(store):
    store.add()
    assert store.sql("SELECT count(*) FROM tasks") == [(1,)]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), FileNotFoundError("no")])
def test_an_error_in_a_write_leaves_nothing_and_comes_out_as_it_is(store, error):
    def fail(transaction):
        transaction.execute(text("UPDATE workers SET beat = 99"))
        raise error

    with pytest.raises(type(error)) as told:
        store.write(fail)
    assert told.value is error
    assert store.sql("SELECT beat FROM workers") == [(0,)]


def test_a_reader_keeps_its_view_while_a_writer_commits(store):
    with store.database.reading() as reader:
        count = text("SELECT count(*) FROM tasks")
        assert reader.scalar(count) == 0
        store.add()
        assert reader.scalar(count) == 0
    assert store.sql("SELECT count(*) FROM tasks") == [(1,)]


@on_a_file
def test_the_write_lock_is_taken_at_the_beginning(database):
    other = Database(database.path)
    with other.reading() as connection:
        connection.execute(text("PRAGMA busy_timeout=1"))
    other._turnstile.turn = contextlib.nullcontext  # SQLite's own lock is the truth
    with database.writing(), pytest.raises(DatabaseError, match="is locked"):
        other.writing().__enter__()
    other.close()


def test_a_commit_that_raised_is_told_as_unknown(database, monkeypatch):
    dialect = database._engine.dialect

    def fail(_connection):
        raise dialect.loaded_dbapi.OperationalError("disk I/O error")

    monkeypatch.setattr(dialect, "do_commit", fail)
    with pytest.raises(CommitUnknownError, match="not known whether"), database.writing():
        pass


@on_a_file
def test_who_is_not_in_turn_makes_no_checkpoint(database, monkeypatch):
    """It could meet a commit of who is, and lose pages (the WAL-reset race)."""

    def pages(connection):
        return connection.scalar(text("PRAGMA wal_autocheckpoint"))

    with database.writing() as connection:
        assert pages(connection) == 1_000
    out_of_turn = contextlib.nullcontext(False)  # noqa: FBT003
    monkeypatch.setattr(database._turnstile, "turn", lambda: out_of_turn)
    with database.writing() as connection:
        assert pages(connection) == 0
    with database.reading() as connection:
        assert pages(connection) == 1_000


def test_a_closed_database_opens_again(store):
    store.add()
    store.database.close()
    store.database.close()
    assert store.statuses(store.add()) == ["pending"]


@on_a_file
def test_a_change_watch_sees_the_commits_of_others(store):
    watch = store.database.watch()
    assert not watch.changed()
    store.add()
    assert (watch.changed(), watch.changed()) == (True, False)
    watch.close()


class TestTrouble:
    def told(self, location):
        database = Database(location)
        with pytest.raises(DatabaseError) as told:
            migrate.ensure(database)
        database.close()
        assert told.value.hint.endswith(".")
        return str(told.value)

    def test_a_missing_folder(self, tmp_path):
        said = self.told(tmp_path / "nowhere" / "jobs.db")
        assert said == f"the folder {tmp_path / 'nowhere'} does not exist"

    def test_a_file_that_is_no_database(self, tmp_path):
        path = tmp_path / "notes.txt"
        path.write_text("These are my notes, and they are quite long. " * 50)
        assert self.told(path) == f"the database {path} is not an SQLite database"
        assert path.read_text().startswith("These are my notes")

    def test_a_folder_in_its_place(self, tmp_path):
        with pytest.raises(DatabaseError, match="is a folder"):
            Database(tmp_path)

    def test_a_file_in_the_place_of_its_folder(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert "file" in self.told(tmp_path / "file" / "jobs.db")


AS_NOBODY = """
import os, sys
import alembic.command
from jobrunner.core.errors import DatabaseError
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from sqlalchemy import text

if os.getuid() == 0:  # permissions do not bind root
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
database = Database(sys.argv[1])
try:
    migrate.ensure(database)
    with database.writing() as transaction:
        transaction.execute(text("UPDATE workers SET beat = 1"))
except DatabaseError as error:
    print(error, "|", error.hint)
"""


class TestPermissions:
    @pytest.fixture
    def said(self, tmp_path, run_program):
        for folder in (tmp_path, *tmp_path.parents):
            if folder.name.startswith(("pytest-", "popen-", "test_")):
                folder.chmod(0o755)
        yield lambda path: run_program(AS_NOBODY, str(path))
        tmp_path.chmod(0o755)

    @on_a_file
    def test_a_database_of_somebody_else(self, database, said):
        database.close()
        database.path.chmod(0)
        assert said(database.path).startswith(f"the database {database.path} cannot be opened | ")

    def test_a_folder_of_somebody_else(self, tmp_path, said):
        tmp_path.chmod(0)
        assert said(tmp_path / "new.db").startswith(f"cannot use {tmp_path / 'new.db'}: ")

    def test_a_read_only_folder(self, tmp_path, said):
        tmp_path.chmod(0o555)
        assert said(tmp_path / "new.db").startswith(f"cannot use {tmp_path / 'new.db'}: ")
        assert not (tmp_path / "new.db").exists()

    @on_a_file
    def test_a_read_only_file(self, database, tmp_path, said):
        database.close()
        tmp_path.chmod(0o777)
        for path in tmp_path.iterdir():
            path.chmod(0o444)
        assert "Check the folder, its permissions" in said(database.path)


@on_a_file
def test_python_and_the_wheel_do_not_share_a_database(database):
    with database.reading() as connection:
        driver = type(connection.connection.driver_connection).__module__
    assert driver.partition(".")[0] in {"sqlite3", "pysqlite3"}
    assert sys.modules.get(driver.partition(".")[0])
