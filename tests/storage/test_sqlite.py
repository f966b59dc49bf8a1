"""The SQLite library, its private files, and the turnstile."""

import os
import sqlite3
import stat
import sys
import threading
from types import ModuleType

import pytest

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.sqlite import Turnstile, choose_driver, create_private, has_wal_reset_bug


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_with_the_wal_reset_bug_are_known(version, affected):
    assert has_wal_reset_bug(version) is affected


@pytest.mark.parametrize(("wheel", "chosen"), [((2, 0, 0), "sqlite3"), ((99, 0, 0), "pysqlite3")])
def test_the_newer_library_is_chosen(monkeypatch, wheel, chosen):
    module = ModuleType("pysqlite3.dbapi2")
    module.sqlite_version_info = wheel
    monkeypatch.setitem(sys.modules, "pysqlite3", ModuleType("pysqlite3"))
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", module)
    assert choose_driver().__name__.partition(".")[0] == chosen


def test_without_a_wheel_pythons_own_library_is_used(monkeypatch):
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", None)
    assert choose_driver() is sqlite3


def test_a_new_database_is_private_whatever_the_umask(tmp_path):
    old = os.umask(0)
    try:
        create_private(tmp_path / "jobs.db")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "jobs.db").stat().st_mode) == 0o600


def test_an_existing_file_is_left_alone(tmp_path):
    path = tmp_path / "jobs.db"
    path.write_text("mine")
    path.chmod(0o640)
    create_private(path)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("mine", 0o640)


@pytest.fixture
def turnstile(tmp_path):
    turnstile = Turnstile(tmp_path / "lock")
    yield turnstile
    turnstile.close()


def test_one_writer_at_a_time(turnstile, tmp_path):
    other = Turnstile(tmp_path / "lock")  # as another process has it: a descriptor of its own
    inside = threading.Event()

    def enter():
        with other.turn():
            inside.set()

    with turnstile.turn():
        thread = threading.Thread(target=enter)
        thread.start()
        assert not inside.wait(0.05)
    assert inside.wait(5)
    thread.join()
    other.close()


def test_the_turn_ends_with_an_error(turnstile):
    with pytest.raises(ValueError, match="no"), turnstile.turn():
        raise ValueError("no")
    with turnstile.turn():
        pass


def test_a_closed_turnstile_opens_again(turnstile):
    for _ in range(2):
        with turnstile.turn():
            pass
        turnstile.close()
        turnstile.close()


def test_a_forked_child_starts_afresh_whoever_held_the_turn(turnstile):
    with turnstile.turn():
        pass
    turnstile._mutex.acquire()  # a thread of the parent that the child does not have
    inherited = turnstile._descriptor
    turnstile.forget()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(inherited)
    with turnstile.turn():
        pass


def test_a_link_in_the_place_of_the_lock_is_not_followed(turnstile, tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError, match="cannot use"), turnstile.turn():
        pass
    assert not (tmp_path / "elsewhere").exists()
