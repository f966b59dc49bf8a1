"""A restore changes everything or nothing, and deletes no file of the database."""

import os
from pathlib import Path

import pytest

from jobrunner.core.errors import DatabaseError
from jobrunner.storage import backup, copies, migrate, sqlite
from jobrunner.storage.engine import Database
from tests.databases import on_a_file

pytestmark = on_a_file


@pytest.fixture
def copy(store, tmp_path):
    """A backup with one task that waits; the database has gone on since."""
    store.add(description="saved")
    made = backup.backup(store.database, tmp_path / "copy.db")
    store.add(description="later")
    return made


def restore(store, source):
    return backup.restore(store.database, source, now=store.now)


def descriptions(store):
    return [name for (name,) in store.sql("SELECT description FROM tasks ORDER BY id")]


def read(path, query):
    raw = sqlite.choose_driver().connect(path)
    try:
        return raw.execute(query).fetchall()
    finally:
        raw.close()


def test_a_restore_brings_back_what_was_and_keeps_what_is(store, copy, tmp_path):
    restored = restore(store, copy)
    assert restored.kept == tmp_path / "jobs.db.before-restore-20260101-000000"
    assert descriptions(store) == ["saved"]
    assert read(restored.kept, "SELECT count(*) FROM tasks") == [(2,)]
    assert store.sql("PRAGMA journal_mode") == [("wal",)]
    assert store.database.path.stat().st_mode & 0o777 == 0o600
    assert restored.workers == ["ada"]


def test_a_restore_where_there_is_nothing(store, copy, tmp_path):
    elsewhere = Database(tmp_path / "new.db")
    assert backup.restore(elsewhere, copy, now=store.now).kept is None
    assert read(tmp_path / "new.db", "SELECT description FROM tasks") == [("saved",)]


LEAVE_A_WAL = """
import os, sys
from jobrunner import NewTask, TaskQueue
queue = TaskQueue(sys.argv[1])
for number in range(20):
    queue.enqueue(NewTask(function="work", description=f"in the WAL {number}"))
os._exit(0)
"""


def test_the_wal_of_the_old_file_never_meets_the_new_one(store, copy, run_program):
    store.database.close()
    run_program(LEAVE_A_WAL, str(store.database.path))
    assert Path(f"{store.database.path}-wal").stat().st_size > 0
    kept = restore(store, copy).kept
    assert descriptions(store) == ["saved"]
    assert read(kept, "SELECT count(*) FROM tasks WHERE description LIKE 'in the WAL%'") == [(20,)]


def test_a_wal_whose_file_is_gone_is_kept_and_never_meets_the_new_one(store, copy, run_program):
    path = store.database.path
    store.database.close()
    run_program(LEAVE_A_WAL, str(path))
    path.unlink()
    restore(store, copy)
    assert (descriptions(store), store.problems()) == (["saved"], [])
    assert list(path.parent.glob("jobs.db.before-restore-*-wal"))


def spoil_both(path):
    """The file is none, and its -wal holds no commit that SQLite could still take in."""
    wal = Path(f"{path}-wal").read_bytes()
    path.write_bytes(b"not a database any more" * 1000)
    Path(f"{path}-wal").write_bytes(wal[:24] + b"x" * 100)


def test_a_damaged_file_is_kept_with_its_wal_as_it_is(store, copy, run_program):
    path = store.database.path
    store.database.close()
    run_program(LEAVE_A_WAL, str(path))
    spoil_both(path)
    before = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    kept = restore(store, copy).kept
    assert (kept.read_bytes(), Path(f"{kept}-wal").read_bytes()) == before
    assert descriptions(store) == ["saved"]


def test_a_restore_is_refused_while_another_has_the_file_open(store, copy):
    other = Database(store.database.path)
    with other.reading() as connection:
        migrate.version(connection)
    with pytest.raises(DatabaseError, match="is in use") as told:
        restore(store, copy)
    assert "nothing was changed" in told.value.hint
    assert descriptions(store) == ["saved", "later"]
    other.close()
    restore(store, copy)
    assert descriptions(store) == ["saved"]


HOLD = """
import fcntl, sys
with open(sys.argv[1], "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_restore_is_refused_while_somebody_has_the_turn(store, copy, start_program):
    holder = start_program(HOLD, f"{store.database.path}.lock")
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(DatabaseError, match="is in use"):
        restore(store, copy)
    holder.communicate("\n", timeout=10)
    assert descriptions(store) == ["saved", "later"]


def damaged(path):
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 5] = os.urandom(4096 * 2)
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("a diary\n" * 1000)


def half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def newer(path):
    read_write(path, "UPDATE jobrunner_version SET version_num = '9999'")


def unsound(path):
    read_write(path, "UPDATE workers SET status = 'stopped', stopped_at = 1")


def read_write(path, statement):
    raw = sqlite.choose_driver().connect(path)
    raw.execute(statement)
    raw.commit()
    raw.close()


REFUSED = [
    (damaged, "not sound|is damaged"),
    (empty, "holds no tables"),
    (text, "is not an SQLite database"),
    (half, "not sound|is damaged"),
    (newer, "newer jobrunner"),
    (unsound, "is in progress at worker ada, which is stopped"),
    (Path.unlink, "there is no file"),
    (lambda path: (path.unlink(), path.mkdir()), "is no file"),
]


@pytest.mark.parametrize(("spoil", "says"), REFUSED)
def test_a_backup_that_cannot_be_used_changes_nothing(store, tmp_path, spoil, says):
    store.add()
    store.claim_one()
    copy = backup.backup(store.database, tmp_path / "copy.db")
    spoil(copy)
    before = store.everything()
    with pytest.raises(DatabaseError, match=says) as told:
        restore(store, copy)
    assert told.value.hint
    assert store.everything() == before
    left = [path.name for path in tmp_path.iterdir()]
    assert not [name for name in left if "restore" in name or "partial" in name]


def test_the_database_is_no_backup_of_itself(store):
    with pytest.raises(DatabaseError, match="is the database itself"):
        restore(store, store.database.path)


def die(*_arguments, **_options):
    raise KeyboardInterrupt


def test_a_restore_that_dies_before_its_last_step_has_changed_nothing(
    store, copy, tmp_path, monkeypatch, run_program
):
    store.database.close()
    run_program(LEAVE_A_WAL, str(store.database.path))
    spoil_both(store.database.path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("jobs.db*")}
    with monkeypatch.context() as patched:
        patched.setattr(copies, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            restore(store, copy)
    del before["jobs.db-shm"]  # SQLite makes it anew
    assert {path.name: path.read_bytes() for path in tmp_path.glob("jobs.db*")} == before
    restore(store, copy)
    assert descriptions(store) == ["saved"]


def test_a_restore_that_dies_in_its_last_step_has_kept_the_old_file(
    store, copy, tmp_path, monkeypatch
):
    publish = copies.publish
    monkeypatch.setattr(copies, "publish", lambda *a, **options: die(publish(*a, **options)))
    with pytest.raises(KeyboardInterrupt):
        restore(store, copy)
    assert descriptions(store) == ["saved"]
    (kept,) = tmp_path.glob("jobs.db.before-restore-*")
    assert read(kept, "SELECT count(*) FROM tasks") == [(2,)]


def test_a_file_that_was_copied_with_its_wal_is_a_backup_too(store, copy, tmp_path, run_program):
    source = tmp_path / "by-hand.db"
    run_program(LEAVE_A_WAL, str(source))
    restore(store, source)
    assert len(descriptions(store)) == 20
