"""A database and its library are looked at without touching them, and each fault is told."""

import os
import signal
import sqlite3
import subprocess
import sys
from types import ModuleType

import pytest

from jobrunner.core.errors import DatabaseDamagedError
from jobrunner.core.finding import Level
from jobrunner.storage import health, migrate, sqlite
from jobrunner.storage.engine import Database
from jobrunner.storage.look import looking

MAPS = """\
7f01-7f02 r-xp 0 fd:00 1 /usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6
7f02-7f03 r-xp 0 fd:00 2 /usr/lib/python3.11/lib-dynload/_sqlite3.cpython-311-x86_64-linux-gnu.so
7f03-7f04 r-xp 0 fd:00 3 /app/.venv/lib/python3.11/site-packages/pysqlite3/_sqlite3.cpython-311.so
7f04-7f05 rw-p 0 00:00 0
7f05-7f06 r--p 0 fd:00 9 /srv/sqlite/jobs.db-shm
"""
APSW = "7f06-7f07 r-xp 0 fd:00 4 /app/.venv/lib/python3.11/site-packages/sqlean/_sqlite3.so\n"


KILLED = """
import os, signal, sys
from jobrunner.storage.engine import Database

with Database(sys.argv[1]).writing() as transaction:
    transaction.exec_driver_sql("CREATE TABLE fresh (x)")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "jobs.db")
    migrate.ensure(database)
    yield database
    database.close()


@pytest.fixture
def path(database):
    return database.path


def names(path):
    return sorted(file.name for file in path.parent.iterdir())


def found(database, check, *arguments):
    with looking(database) as connection:
        told = check(connection, *arguments)
        return told if not hasattr(told, "__next__") else list(told)


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 40, 1), Level.PROBLEM),
        ((3, 51, 2), Level.PROBLEM),
        ((3, 51, 3), Level.OK),
        ((3, 50, 7), Level.OK),
    ],
)
def test_a_library_with_the_wal_reset_bug_is_a_problem(version, level):
    judged = health.judge_library("sqlite3", version)
    assert (judged.level, "pysqlite3" in judged.hint) == (level, level is Level.PROBLEM)


def test_what_is_set_on_connections_holds(monkeypatch):
    assert health.settings().level is Level.OK
    monkeypatch.setattr(sqlite, "PRAGMAS", ("PRAGMA synchronous=NORMAL",))
    assert health.settings().level is Level.PROBLEM


def test_a_second_library_in_the_process_is_told():
    assert health.judge_libraries(MAPS, "pysqlite3.dbapi2", []).level is Level.OK
    second = health.judge_libraries(MAPS + APSW, "pysqlite3.dbapi2", [])
    assert (second.level, "sqlean/_sqlite3.so" in second.says) == (Level.WARNING, True)
    assert health.judge_libraries(None, "sqlite3", []).says.startswith("not looked at")


def test_an_application_that_uses_pythons_own_sqlite_is_named():
    user, other = ModuleType("shop.orders"), ModuleType("shop.mail")
    user.connect = sqlite3.connect
    users = list(health._users({"shop.orders": user, "shop.mail": other, "dbm": user}))
    assert users == ["shop.orders"]
    assert health.judge_libraries(MAPS, "pysqlite3.dbapi2", users).level is Level.WARNING


@pytest.mark.parametrize(
    ("version", "level"),
    [(migrate.HEAD, Level.OK), (None, Level.WARNING), ("9999", Level.PROBLEM)],
)
def test_tables_of_another_version_are_told(version, level):
    assert health.schema(version).level is level


def test_older_tables_are_to_be_upgraded(monkeypatch):
    monkeypatch.setattr(migrate, "KNOWN", ("0000", migrate.HEAD))
    assert "`jobrunner db upgrade`" in health.schema("0000").hint


def test_who_looks_at_a_closed_database_makes_no_file(database, path):
    database.close()
    (path.parent / "jobs.db.lock").unlink()
    before = names(path), path.stat()
    assert found(database, health.integrity, path.stat().st_size).level is Level.OK
    assert found(database, health.journal, path)[0].says.startswith("empty")
    assert (names(path), path.stat().st_mtime_ns) == (before[0], before[1].st_mtime_ns)


def test_who_looks_at_an_open_database_sees_what_is_only_in_its_wal(database, path):
    with database.writing() as transaction:
        transaction.exec_driver_sql("CREATE TABLE fresh (x)")
    assert path.with_name("jobs.db-wal").stat().st_size
    before = names(path)
    with looking(database) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM fresh").scalar() == 0
    assert names(path) == before
    (wal,) = found(database, health.journal, path)
    assert (wal.level, "not yet in the file" in wal.says) == (Level.OK, True)


def test_who_looks_leaves_a_killed_writers_wal_as_it_is(database, path):
    database.close()
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    before = [(name, path.with_name(name).stat().st_size) for name in names(path)]
    with looking(database) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM fresh").scalar() == 0
    assert [(name, path.with_name(name).stat().st_size) for name in names(path)] == before


def test_who_looks_cannot_write(database):
    for is_open in (True, False):
        if not is_open:
            database.close()
        with pytest.raises(Exception, match=r"read-?only"), looking(database) as connection:
            connection.exec_driver_sql("DELETE FROM tasks")


def test_a_damaged_file_is_a_problem_with_its_next_step(database, path):
    with database.writing() as transaction:
        transaction.exec_driver_sql("CREATE TABLE much AS SELECT zeroblob(100000) AS x")
    database.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(os.urandom(4096 * 8))
    judged = found(database, health.integrity, size)
    assert (judged.level, judged.hint) == (Level.PROBLEM, health.RESTORE)


def test_a_damaged_header_is_told_as_damage(database, path):
    database.close()
    with path.open("r+b") as file:
        file.write(b"x" * 100)
    with pytest.raises(DatabaseDamagedError):
        found(database, health.first_look)


def test_a_large_file_is_not_read_through(database):
    judged = found(database, health.integrity, health.CHECKED_UP_TO + 1)
    assert (judged.level, "`jobrunner db check`" in judged.says) == (Level.OK, True)


def test_a_wal_that_grows_is_told_with_who_reads():
    assert health.judge_wal(sqlite.JOURNAL_LIMIT, 3, []).level is Level.OK
    grown = health.judge_wal(sqlite.JOURNAL_LIMIT + 1, 3, ["process 7 (python)"])
    assert (grown.level, "process 7 (python)" in grown.says) == (Level.WARNING, True)


def test_a_wal_that_nobody_shares_is_told(database, path):
    with database.writing() as transaction:
        transaction.exec_driver_sql("CREATE TABLE fresh (x)")
    copy = Database(path.with_name("copy.db"))
    for suffix in ("", "-wal"):  # linked, not copied: opening a file in use drops its locks
        os.link(f"{path}{suffix}", f"{copy.path}{suffix}")
    (wal,) = found(copy, health.journal, copy.path)
    assert (wal.level, "seen by nobody" in wal.says) == (Level.WARNING, True)
    assert not path.with_name("copy.db-shm").exists()
    assert health.judge_quiet(1, ["process 7 (sqlite3)"]).says.startswith("process 7")


def test_another_journal_mode_is_told(database, path):
    database.close()
    connection = sqlite.choose_driver().connect(path)
    connection.execute("PRAGMA journal_mode=PERSIST").fetchall()
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    mode, _ = found(database, health.journal, path)
    assert (mode.level, "delete, not wal" in mode.says) == (Level.WARNING, True)
