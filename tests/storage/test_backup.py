"""A backup is whole or not there, and stands in nobody's way."""

import signal
from pathlib import Path

import pytest

from jobrunner.core.errors import DatabaseDamagedError, DatabaseError, DiskFullError
from jobrunner.storage import backup, copies, sqlite
from jobrunner.storage.engine import Database
from tests.databases import on_a_file

pytestmark = on_a_file


@pytest.fixture
def target(tmp_path):
    return tmp_path / "copy.db"


@pytest.fixture
def copy(store, target):
    """A backup with one task that waits; the database has gone on since."""
    store.add(description="saved")
    made = backup.backup(store.database, target)
    store.add(description="later")
    return made


def files(folder):
    """What stands there, but for what SQLite and the turnstile need."""
    passing = (".lock", "-wal", "-shm")
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(passing))


def read(path, query):
    raw = sqlite.choose_driver().connect(path)
    try:
        return raw.execute(query).fetchall()
    finally:
        raw.close()


def test_a_backup_is_one_private_file_with_all_that_is_stored(store, copy, tmp_path):
    assert read(copy, "SELECT description FROM tasks") == [("saved",)]
    assert read(copy, "PRAGMA integrity_check") == [("ok",)]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert files(tmp_path) == ["copy.db", "jobs.db"]


def test_ids_go_on_in_a_backup_where_the_newest_tasks_were_deleted(store, target):
    last = store.add()
    store.sql("DELETE FROM tasks WHERE id = :id", id=last)
    copy = backup.backup(store.database, target)
    assert read(copy, "SELECT seq FROM sqlite_sequence WHERE name = 'tasks'") == [(last,)]


def test_a_backup_covers_nothing_unless_told(store, copy, tmp_path):
    with pytest.raises(DatabaseError, match="exists already") as told:
        backup.backup(store.database, copy)
    assert "--force" in told.value.hint
    assert read(copy, "SELECT count(*) FROM tasks") == [(1,)]
    backup.backup(store.database, copy, overwrite=True)
    assert read(copy, "SELECT count(*) FROM tasks") == [(2,)]
    assert files(tmp_path) == ["copy.db", "jobs.db"]


def test_a_file_that_came_meanwhile_is_not_covered(store, target, monkeypatch):
    fill = copies.fill

    def slowly(partial, connection, **options):
        fill(partial, connection, **options)
        target.write_text("somebody else's")

    monkeypatch.setattr(copies, "fill", slowly)
    with pytest.raises(DatabaseError, match="exists already"):
        backup.backup(store.database, target)
    assert target.read_text() == "somebody else's"


@pytest.mark.parametrize("name", ["", "-wal", "-shm", "-journal", ".lock", ".reserve", ".workers"])
def test_the_database_and_what_belongs_to_it_are_no_target(store, name):
    with pytest.raises(DatabaseError, match="is the database itself"):
        backup.backup(store.database, Path(f"{store.database.path}{name}"), overwrite=True)
    assert store.problems() == []


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_the_database_by_another_name_is_no_target(store, target, link):
    getattr(target, link)(store.database.path)
    with pytest.raises(DatabaseError, match="is the database itself"):
        backup.backup(store.database, target, overwrite=True)


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_a_copy_never_comes_to_stand_beside_the_wal_of_another(store, target, end):
    Path(f"{target}{end}").touch()
    with pytest.raises(DatabaseError, match="is in use, or was"):
        backup.backup(store.database, target, overwrite=True)
    assert not target.exists()


def test_a_folder_is_no_target_and_a_missing_one_is_not_made(store, tmp_path):
    with pytest.raises(DatabaseError, match="is a folder"):
        backup.backup(store.database, tmp_path, overwrite=True)
    with pytest.raises(DatabaseError, match="there is no folder"):
        backup.backup(store.database, tmp_path / "absent" / "copy.db")
    assert files(tmp_path) == ["jobs.db"]


@pytest.mark.parametrize("trouble", [OSError(28, "full"), OSError(5, "I/O"), KeyboardInterrupt()])
def test_a_backup_that_fails_leaves_nothing(store, target, tmp_path, monkeypatch, trouble):
    def fail(path):
        raise trouble

    monkeypatch.setattr(copies, "sync", fail)
    kind = type(trouble) if isinstance(trouble, KeyboardInterrupt) else DatabaseError
    with pytest.raises(kind) as told:
        backup.backup(store.database, target)
    assert isinstance(told.value, DiskFullError) == (getattr(trouble, "errno", 0) == 28)
    assert files(tmp_path) == ["jobs.db"]


FILE_SIZE = """
import resource, sys
from pathlib import Path
from jobrunner.core.errors import DatabaseError
from jobrunner.storage import backup
from jobrunner.storage.engine import Database

database = Database(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    backup.backup(database, Path(sys.argv[2]))
except DatabaseError as error:
    print(error)
"""


def test_a_write_that_fails_midway_leaves_nothing(store, target, tmp_path, run_program):
    assert "could not be read or written" in run_program(
        FILE_SIZE, str(store.database.path), str(target)
    )
    assert files(tmp_path) == ["jobs.db"]


def test_of_an_unsound_database_no_backup_is_kept(empty_store, target, tmp_path):
    parent = empty_store.add()
    empty_store.add(after=[parent])
    empty_store.sql("UPDATE tasks SET waiting_on = 3 WHERE status = 'blocked'")
    with pytest.raises(DatabaseDamagedError, match="waits on 3 parents, but 1 are open") as told:
        backup.backup(empty_store.database, target)
    assert "db check" in told.value.hint
    assert files(tmp_path) == ["jobs.db"]


def test_of_nothing_there_is_no_backup(location, target, tmp_path):
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(DatabaseError, match="there is no database"):
        backup.backup(Database(location), target)
    assert files(tmp_path) == []


STOPPED = """
import os, signal, sys
from jobrunner.storage import check, copies
from jobrunner.storage import backup
from jobrunner.storage.engine import Database
from pathlib import Path

def problems(connection):
    os.kill(os.getpid(), signal.SIGKILL)

check.problems = problems
backup.backup(Database(sys.argv[1]), Path(sys.argv[2]), overwrite=True)
"""


def test_a_backup_that_is_killed_leaves_the_one_before_and_a_name_that_tells(
    store, copy, tmp_path, start_program
):
    killed = start_program(STOPPED, str(store.database.path), str(copy))
    assert killed.wait(30) == -signal.SIGKILL
    left = [name for name in files(tmp_path) if name.endswith(".partial")]
    assert len(left) == 1
    assert left[0].startswith("copy.db.")
    assert read(copy, "SELECT count(*) FROM tasks") == [(1,)]
    backup.backup(store.database, copy, overwrite=True)
    assert read(copy, "SELECT count(*) FROM tasks") == [(2,)]
