"""What a server asks of the host it is used from: a folder for locks; and whether it prepares."""

import os
import select
import stat
import tempfile

import pytest
from sqlalchemy import text

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.engine import Database
from jobrunner.storage.postgres import is_quiet, lock_folder
from tests.databases import on_a_server


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Where folders for a while are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_who_uses_a_database_by_the_same_name_finds_the_same_folder():
    folder = lock_folder("one")
    assert lock_folder("one") == folder
    assert lock_folder("two") != folder
    assert "one" not in folder.name


def test_the_folder_is_this_users_alone(folders):
    found = lock_folder("one").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, os.getuid())
    assert len(list(folders.iterdir())) == 1


def spoilt_by_its_mode(folder):
    folder.chmod(0o710)


def spoilt_by_a_file(folder):
    folder.rmdir()
    folder.touch(mode=0o600)


def spoilt_by_a_link(folder):
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")


def spoilt_by_a_link_to_nothing(folder):
    folder.rmdir()
    folder.symlink_to("nowhere")


@pytest.mark.parametrize(
    "spoil",
    [spoilt_by_its_mode, spoilt_by_a_file, spoilt_by_a_link, spoilt_by_a_link_to_nothing],
)
def test_a_place_that_others_could_touch_is_left_for_one_that_nobody_shares(spoil):
    planted = lock_folder("one")
    spoil(planted)
    before = planted.lstat()
    fresh, another = lock_folder("one"), lock_folder("one")
    assert len({planted, fresh, another}) == 3
    for folder in (fresh, another):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert list(folder.iterdir()) == []
    assert planted.lstat().st_mode == before.st_mode


def test_a_folder_that_somebody_else_owns_is_not_used(monkeypatch):
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)  # whose name it has, made by this user
    assert lock_folder("one") != lock_folder("one")


def test_a_database_keeps_its_folder_and_tells_no_password_by_it(folders):
    database = Database("postgresql://me:secret@host/name?schema=jobs")
    assert database.lock_folder == database.lock_folder
    assert database.lock_folder.parent == folders
    same = Database("postgresql://me:changed@host/name?schema=jobs&connect_timeout=3")
    assert same.lock_folder == database.lock_folder


def prepared(location):
    """How many statements a session has prepared that was asked the same ten times."""
    database = Database(location)
    with database.reading() as connection:
        for _ in range(10):
            connection.execute(text("SELECT 1"))
        count = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
    database.close()
    return count


@on_a_server
def test_what_is_asked_often_is_prepared_but_not_behind_a_pooler(location):
    assert prepared(location) > 0
    assert prepared(f"{location}&prepare=on") > 0
    assert prepared(f"{location}&prepare=off") == 0


@pytest.fixture
def other(location):
    """The same database, as another process opens it."""
    other = Database(location)
    yield other
    other.close()


@on_a_server
def test_a_session_that_was_ended_while_nobody_used_it_is_replaced_unseen(store, other):
    with store.database.reading() as connection:
        driver = connection.connection.driver_connection
        backend = driver.info.backend_pid
    assert is_quiet(driver)
    with other.reading() as connection:
        connection.execute(text("SELECT pg_terminate_backend(CAST(:pid AS int))"), {"pid": backend})
    assert select.select([driver.fileno()], [], [], 60.0)[0]
    assert not is_quiet(driver)
    store.add()


@on_a_server
def test_a_session_that_has_something_to_say_and_lives_is_kept(store, other):
    with store.database.reading() as connection:
        driver = connection.connection.driver_connection
        driver.execute("LISTEN news")
        driver.commit()
    with other.writing() as connection:
        connection.execute(text("NOTIFY news"))
    assert select.select([driver.fileno()], [], [], 60.0)[0]
    with store.database.reading() as connection:
        assert connection.connection.driver_connection is driver


@pytest.mark.parametrize("word", ["no", "OFF", "off&prepare=off"])
def test_to_prepare_is_on_or_off(word):
    with pytest.raises(DatabaseError, match="has no meaning") as told:
        Database(f"postgresql://me:secret@host/name?prepare={word}")
    assert "prepare are on or off" in told.value.hint
    assert "secret" not in f"{told.value} {told.value.hint}"
