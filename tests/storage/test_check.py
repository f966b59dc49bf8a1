"""`db check` finds each kind of damage and says it in a sentence."""

import pytest

from jobrunner.core.outcome import Completed
from jobrunner.core.task import WorkerId
from jobrunner.storage import sqlite, workers
from tests.databases import on_a_file


@pytest.fixture
def broken(empty_store):
    """A store that may be unsound at the end."""
    empty_store.worker("ada")
    return empty_store


def unchecked(store, statement):
    """Run a statement that the database would refuse, on a connection of its own."""
    raw = sqlite.choose_driver().connect(store.database.path, isolation_level=None)
    for line in ("PRAGMA foreign_keys=OFF", "PRAGMA ignore_check_constraints=ON", statement):
        raw.execute(line)
    raw.close()


def test_a_sound_database_has_no_problems(broken):
    parent = broken.add()
    broken.add(after=[parent])
    broken.finish(parent, Completed())
    broken.claim()
    assert broken.problems() == []


def test_a_count_of_open_parents_that_is_wrong_is_found(broken):
    task_id = broken.add(after=[broken.add()])
    broken.sql("UPDATE tasks SET waiting_on = 3 WHERE status = 'blocked'")
    assert broken.problems() == [f"task {task_id} waits on 3 parents, but 1 are open"]


def test_a_task_that_waits_for_ever_is_found(broken):
    parent = broken.add()
    task_id = broken.add(after=[parent])
    broken.sql("DELETE FROM tasks WHERE id = :id", id=parent)
    assert broken.problems() == [f"task {task_id} waits on 1 parents, but 0 are open"]


def test_a_task_in_the_hands_of_an_ended_worker_is_found(broken):
    task_id = broken.add()
    broken.claim()
    broken.write(workers.set_stopped, WorkerId("ada"), now=broken.now)
    assert broken.problems() == [f"task {task_id} is in progress at worker ada, which is stopped"]


def test_a_task_that_completed_twice_is_found(broken):
    task_id = broken.add()
    broken.finish(task_id, Completed())
    columns = "worker_id, ready_at, started_at, ended_at, outcome"
    broken.sql(
        f"INSERT INTO attempts (task_id, token, number, {columns})"  # noqa: S608
        f" SELECT task_id, 99, 2, {columns} FROM attempts"
    )
    assert broken.problems() == [f"task {task_id} has completed 2 times"]


@on_a_file
def test_a_reference_to_a_missing_row_is_found(broken):
    task_id = broken.add()
    broken.finish(task_id, Completed())
    unchecked(broken, "DELETE FROM tasks")
    assert broken.problems() == ["row 1 of attempts refers to a missing row of tasks"]


@on_a_file
def test_a_row_that_breaks_a_rule_is_found(broken):
    broken.add()
    unchecked(broken, "UPDATE tasks SET status = 'dreaming'")
    assert broken.problems() == ["damaged: CHECK constraint failed in tasks"]
