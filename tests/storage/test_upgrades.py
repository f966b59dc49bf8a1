"""A migration of a database with data: no row is lost, once, and wholly or not at all."""

import contextlib
import random
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from jobrunner.core.errors import DatabaseDamagedError, DiskFullError
from jobrunner.core.outcome import Completed, Failed
from jobrunner.storage import backup, copies, migrate, progress, sqlite
from jobrunner.storage.engine import Database
from tests.databases import on_a_file
from tests.storage.everything import fill_others
from tests.storage.later import BEFORE, LATER, REVISION, STARTER, downgrade, rows, version


@pytest.fixture
def scripts(tmp_path):
    """The migrations of a later version of jobrunner."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.scripts(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{LATER}_colour.py").write_text(REVISION)
    return folder


@pytest.fixture
def later(scripts, monkeypatch):
    """From here on this process is that later version."""

    def grow_older():
        monkeypatch.setattr(migrate, "scripts", lambda: scripts)
        monkeypatch.setattr(migrate, "HEAD", LATER)
        monkeypatch.setattr(migrate, "KNOWN", (BEFORE, LATER))

    return grow_older


@pytest.fixture
def full(store):
    """A database of the present schema with rows in every table, the newest task deleted."""
    parent, other = store.add(priority=5), store.add(delay=timedelta(hours=1))
    store.add(after=[parent, other], description="behind both", args=("long" * 100,))
    store.finish(store.add(), Completed('{"a": 1}'))
    store.finish(store.add(), Failed("no luck"))
    store.worker("ben")
    lease = store.claim_one("ben")
    store.write(progress.save, lease.task_id, lease.token, now=store.now, done=1.0, note="a third")
    store.sql("DELETE FROM tasks WHERE id = :id", id=store.add())
    fill_others(store)
    return store


def test_a_rebuilt_table_keeps_the_rows_that_refer_to_it(full, later, scripts):
    before = rows(full.database)
    assert all(before.values()), "a table without rows proves nothing"
    later()
    upgraded = migrate.upgrade(full.database)
    assert (upgraded.before, upgraded.now) == (BEFORE, LATER)
    assert full.sql("SELECT DISTINCT colour FROM tasks") == [("blue",)]
    assert rows(full.database) == before
    with pytest.raises(IntegrityError):  # references are checked again
        full.sql("INSERT INTO progress (task_id, updated_at) VALUES (999, 1)")
    downgrade(full.database, scripts)
    assert version(full.database) == BEFORE
    assert rows(full.database) == before


def test_an_id_is_not_given_out_again_after_a_table_was_rebuilt(full, later):
    last = full.add()
    full.sql("DELETE FROM tasks WHERE id = :id", id=last)
    later()
    migrate.upgrade(full.database)
    assert full.add() == last + 1


@on_a_file
def test_a_migration_does_not_run_where_it_would_delete_the_children(full, later):
    later()
    with pytest.raises(RuntimeError, match="rebuilds"), full.database.writing() as connection:
        migrate._run(connection)


@on_a_file
def test_a_migration_that_leaves_a_gap_is_taken_back(full, later, scripts):
    before = rows(full.database)
    later()
    (scripts / "versions" / "lose").touch()
    with pytest.raises(DatabaseDamagedError, match="would leave a gap") as told:
        migrate.upgrade(full.database)
    assert "Nothing was changed" in told.value.hint
    assert (version(full.database), rows(full.database)) == (BEFORE, before)


@on_a_file
def test_before_a_migration_the_file_is_kept(full, later, tmp_path):
    before = rows(full.database)
    later()
    kept = migrate.upgrade(full.database).backup
    assert kept == tmp_path / f"jobs.db.before-{LATER}"
    assert kept.stat().st_mode & 0o777 == 0o600
    full.database.close()
    backup.restore(full.database, kept, now=full.now)
    assert (version(full.database), rows(full.database)) == (BEFORE, before)


def test_a_new_database_has_nothing_to_keep(later, tmp_path):
    later()
    database = Database(tmp_path / "new.db")
    assert migrate.upgrade(database) == (None, LATER, None)
    assert list(tmp_path.glob("*before*")) == []
    database.close()


@on_a_file
def test_without_room_for_the_backup_nothing_is_migrated(full, later, monkeypatch, tmp_path):
    before = rows(full.database)
    later()

    def full_disk(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies, "sync", full_disk)
    with pytest.raises(DiskFullError, match=f"before-{LATER}: the disk is full") as told:
        migrate.ensure(full.database)
    assert "nothing was changed" in told.value.hint
    assert (version(full.database), rows(full.database)) == (BEFORE, before)
    assert list(tmp_path.glob("*before*")) == []


def test_six_that_start_at_once_migrate_once(full, scripts, start_program, tmp_path):
    before = rows(full.database)
    full.database.close()
    starters = [start_program(STARTER, str(scripts)) for _ in range(6)]
    assert [starter.stdout.readline() for starter in starters] == ["ready\n"] * 6
    for starter in starters:
        starter.stdin.write(f"{full.database.location}\n")
        starter.stdin.flush()
    assert [starter.stdout.readline() for starter in starters] == [f"{LATER}\n"] * 6
    assert len((scripts / "versions" / "log").read_text().split()) == 1
    kept = [tmp_path / f"jobs.db.before-{LATER}"] if full.database.path else []
    assert list(tmp_path.glob("*before*")) == kept
    assert rows(full.database) == before


def sound(path):
    with copies.opened(path) as connection:
        return list(sqlite.damage(connection)) == []


def migrate_and_kill(process, location, delay):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write(f"{location}\n")
    process.stdin.flush()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(delay)
    process.kill()
    process.wait()


@pytest.mark.parametrize("attempt", range(7))
def test_a_migration_that_is_killed_is_old_or_new_and_the_next_start_completes_it(
    full, scripts, start_program, later, attempt
):
    """The first kills itself, when its tables are new and its commit is still to come."""
    delay = random.uniform(0, 0.15) if attempt else None  # noqa: S311 — any moment
    before = rows(full.database)
    full.database.close()
    mark = scripts / "versions" / "kill"
    if delay is None:
        mark.touch()
    migrate_and_kill(start_program(STARTER, str(scripts)), full.database.location, delay)
    later()
    found = version(full.database)
    assert found == BEFORE if delay is None else found in {BEFORE, LATER}
    assert rows(full.database) == before
    kept = Path(f"{full.database.path}.before-{LATER}")
    assert not kept.exists() or sound(kept)
    mark.unlink(missing_ok=True)
    migrate.upgrade(full.database)
    assert version(full.database) == LATER
    assert rows(full.database) == before
    assert not full.database.path or sound(kept)
