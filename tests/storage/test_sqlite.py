"""The SQLite library and its private files."""

import os
import sqlite3
import stat
import sys
from types import ModuleType

import pytest

from jobrunner.storage.sqlite import choose_driver, create_private, has_wal_reset_bug


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


def test_no_descriptor_of_an_existing_file_is_closed(tmp_path, monkeypatch):
    (tmp_path / "jobs.db").touch()
    closed = []
    monkeypatch.setattr("jobrunner.storage.sqlite.os.close", closed.append)
    create_private(tmp_path / "jobs.db")
    assert closed == [], "all locks that this process has on it would be gone"
