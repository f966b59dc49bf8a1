"""`db backup` and `db restore`: one path out, or one sentence and a next step."""

import contextlib
import re
import stat

import pytest

from jobrunner import TaskQueue
from jobrunner.cli import app
from jobrunner.storage import backup, check
from tests.runtime.support import PATIENCE, until


@pytest.fixture
def stored(cli):
    """A queue with a task, and a backup of it; another task was enqueued since."""
    cli.enqueue(description="saved")
    backup.backup(cli.queue.database, cli.folder / "copy.db")
    cli.enqueue(description="later")
    cli.queue.close()
    return cli


def descriptions(cli):
    found = sorted(task.description for task in cli.queue.find())
    cli.queue.close()
    return found


def refused(ran, sentence):
    assert (ran.code, ran.out) == (4, "")
    first, second = ran.err.splitlines()
    assert first.startswith("jobrunner: ")
    assert sentence in first
    assert second.endswith(".")
    return second


def test_a_backup_without_a_name_stands_beside_the_database_with_the_time(cli):
    cli.enqueue()
    ran = cli("db", "backup")
    assert (ran.code, ran.err) == (0, "")
    (made,) = cli.folder.glob("jobs.db.backup-*")
    assert ran.out == f"{made}\n"
    assert re.fullmatch(r"jobs\.db\.backup-\d{8}-\d{6}", made.name)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_a_backup_in_json(stored):
    told = stored("db", "backup", "new.db", "--json").json
    size = (stored.folder / "new.db").stat().st_size
    assert told == {"backup": f"{stored.folder}/new.db", "bytes": size}


def test_a_backup_covers_another_only_by_force(stored):
    before = (stored.folder / "copy.db").read_bytes()
    assert "--force" in refused(stored("db", "backup", "copy.db"), "exists already")
    assert (stored.folder / "copy.db").read_bytes() == before
    assert stored("db", "backup", "copy.db", "--force").code == 0
    assert (stored.folder / "copy.db").read_bytes() != before


def test_a_backup_is_a_database_like_any_other(stored):
    assert "saved" in stored("--db", "copy.db", "task", "list").out
    assert "later" not in stored("--db", "copy.db", "task", "list").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["jobs.db", "--force"], "is the database itself"),
        (["jobs.db-wal", "--force"], "is the database itself"),
        (["absent/copy.db"], "there is no folder"),
        ([".", "--force"], "is a folder"),
        (["/proc/copy.db"], "cannot be written"),
    ],
)
def test_where_no_backup_can_stand(stored, words, sentence):
    refused(stored("db", "backup", *words), sentence)


def test_of_nothing_there_is_no_backup(cli):
    refused(cli("--db", "typo.db", "db", "backup"), "there is no database")
    assert not list(cli.folder.glob("*.db*"))


def test_a_restore_says_where_the_old_file_is(stored):
    ran = stored("db", "restore", "copy.db")
    assert (ran.code, ran.err) == (0, "")
    (kept,) = stored.folder.glob("jobs.db.before-restore-*")
    assert ran.out == f"Restored from copy.db.\nThe database as it was: {kept}\n"
    assert descriptions(stored) == ["saved"]
    assert "later" in stored("--db", kept, "task", "list").out


def test_a_restore_in_json(stored):
    told = stored("db", "restore", "copy.db", "--json").json
    (kept,) = stored.folder.glob("jobs.db.before-restore-*")
    assert told == {"kept": str(kept), "workers_lost": 0}


def test_a_restore_where_there_was_nothing(stored):
    told = stored("--db", "new.db", "db", "restore", "copy.db", "--json").json
    assert told == {"kept": None, "workers_lost": 0}
    assert "saved" in stored("--db", "new.db", "task", "list").out


def test_what_cannot_be_restored(stored):
    (stored.folder / "diary").write_text("dear diary\n" * 500)
    with contextlib.closing(TaskQueue("newer.db")) as newer, newer.transaction() as connection:
        connection.exec_driver_sql("UPDATE jobrunner_version SET version_num = '9999'")
    for name, sentence in (
        ("absent", "there is no file"),
        (".", "is no file"),
        ("newer.db", "newer jobrunner (schema 9999"),
        ("diary", "is not an SQLite database"),
        ("jobs.db", "is the database itself"),
    ):
        refused(stored("db", "restore", name), sentence)
    assert descriptions(stored) == ["later", "saved"]


def test_a_restore_while_the_file_is_open_is_refused(stored):
    assert stored.queue.counts()
    assert "fuser" in refused(stored("db", "restore", "copy.db"), "is in use")
    assert descriptions(stored) == ["later", "saved"]


def test_a_living_worker_is_named_with_the_way_to_stop_it(stored):
    stored.queue.enqueue_command(["sh", "-c", "touch running; sleep 60"])
    worker = stored.start("work", "--shutdown-grace", "0")
    until(stored.queue, (stored.folder / "running").exists)
    stored.process("db", "backup", "copy.db", "--force")
    hint = refused(stored.process("db", "restore", "copy.db"), f"(process {worker.pid}) is alive")
    assert f"kill {worker.pid}" in hint
    worker.terminate()
    worker.communicate(timeout=PATIENCE)
    stored.queue.close()
    ran = stored.process("db", "restore", "copy.db")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("Workers that ran when it was made: 1; their tasks run again.\n")
    assert stored.queue.counts()["in_progress"] == 0


@pytest.mark.parametrize("spoilt", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_damaged_file_is_told_with_the_command_that_helps(stored, spoilt):
    (stored.folder / "jobs.db").write_bytes(spoilt)
    for command in ("check", "backup"):
        hint = refused(stored.process("db", command), "jobs.db is")
        assert "`jobrunner db restore FILE`" in hint
    assert (stored.folder / "jobs.db").read_bytes() == spoilt
    assert stored.process("db", "restore", "copy.db").code == 0
    assert stored.process("db", "check").out == "The database is sound.\n"
    (kept,) = stored.folder.glob("jobs.db.before-restore-*")
    assert kept.read_bytes() == spoilt


def test_a_page_that_is_damaged_is_told_too(stored):
    path = stored.folder / "jobs.db"
    content = bytearray(path.read_bytes())
    content[8192:20480] = b"\xff" * 12288
    path.write_bytes(content)
    assert stored.process("db", "check").code in {1, 4}
    refused(stored.process("db", "backup"), "is damaged")
    assert list(stored.folder.glob("*.partial")) == []


def test_an_unsound_database_has_no_backup_and_is_told_so(stored, monkeypatch):
    monkeypatch.setattr(check, "problems", lambda _connection: iter(["task 1 has completed twice"]))
    hint = refused(stored("db", "backup"), "not sound: task 1 has completed twice")
    assert "db check" in hint


@pytest.mark.parametrize("words", [["backup"], ["restore"]], ids=" ".join)
def test_the_help_fits_80_columns(cli, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in (["db", *words, "--help"], ["db", "--help"]):
        ran = cli(*command)
        assert ran.code == 0
        assert max(map(len, ran.out.splitlines())) <= 80
    assert f"  {words[0]} " in ran.out
    assert "..." not in ran.out.partition("Commands:")[2]
    assert app.run(["db", *words, "--nonsense"]) == 2
