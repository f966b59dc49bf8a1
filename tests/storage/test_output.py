"""What running attempts have written: fenced, gone with their ends, kept in the history."""

import pytest

from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.outcome import Completed, Failed, Output, Released, Snoozed
from jobrunner.core.task import Token
from jobrunner.core.written import More
from jobrunner.storage import output
from tests.databases import on_a_server
from tests.storage.conftest import WAIT


def save(store, lease, stdout="", stderr=""):
    row = output.Row(lease.task_id, lease.token, stdout, stderr)
    store.write(output.save, [row], now=store.now)


def written(store, task_id, **behind):
    return store.read(output.written, task_id, **({"stdout": 0, "stderr": 0} | behind))


def rows(store):
    return store.sql("SELECT task_id, token, stdout, stderr FROM output ORDER BY task_id")


def test_what_a_running_attempt_has_written_is_told(store):
    task_id = store.add()
    assert written(store, task_id).run is None
    lease = store.claim_one()
    assert (written(store, task_id).run, written(store, task_id).outcome) == (0, None)
    save(store, lease, "one\n")
    save(store, lease, "one\ntwo\n", "oh\n")
    found = written(store, task_id, stdout=4)
    assert (found.number, found.status, found.outcome) == (1, "in_progress", None)
    assert (found.stdout, found.stderr) == (More("two\n", 8), More("oh\n", 3))
    assert len(rows(store)) == 1


def test_what_it_wrote_stays_and_its_row_goes_with_its_end(store):
    task_id, other = store.add(), store.add()
    lease, running = store.claim(limit=2)
    save(store, lease, "one\n")
    save(store, running, "other\n")
    failed = Failed("no luck", "Traceback")
    store.settle(lease, failed, output=Output(None, "one\ntwo\n", "", is_live=True))
    assert [row.task_id for row in rows(store)] == [other]
    found = written(store, task_id, stdout=4)
    assert (found.run, found.number, found.outcome) == (0, 1, "failed")
    assert (found.stdout, found.traceback) == (More("two\n", 8), "Traceback")


def test_runs_are_told_apart_though_their_numbers_are_the_same(store):
    task_id = store.add()
    store.settle(store.claim_one(), Snoozed(WAIT), output=Output(None, "first\n"))
    store.later(60)
    store.sql("UPDATE tasks SET status = 'pending'")
    save(store, store.claim_one(), "second\n")
    first, second = written(store, task_id, run=0), written(store, task_id)
    assert [(one.run, one.number) for one in (first, second)] == [(0, 1), (1, 1)]
    assert (first.outcome, first.stdout.text) == ("snoozed", "first\n")
    assert (second.outcome, second.stdout.text) == (None, "second\n")
    assert written(store, task_id, run=2).run is None


@pytest.mark.parametrize("stored_before", [False, True])
def test_a_lost_lease_stores_no_output(store, stored_before):
    store.add()
    lease = store.claim_one()
    if stored_before:
        save(store, lease, "before\n")
    store.settle(lease, Released())
    (again,) = store.claim()
    save(store, again, "again\n")
    before = rows(store)
    save(store, lease, "late\n")
    save(store, again._replace(token=Token(999)), "of nobody\n")
    assert rows(store) == before
    assert written(store, lease.task_id).stdout.text == "again\n"


def test_a_row_of_another_attempt_is_not_told_and_gives_way(store):
    task_id = store.add()
    lease = store.claim_one()
    save(store, lease, "before\n")
    store.settle(lease, Released())  # which does not know of the row
    again = store.claim_one()
    assert written(store, task_id).stdout.text == ""
    save(store, again, "again\n")
    assert written(store, task_id).stdout.text == "again\n"


def test_what_a_lost_worker_has_written_is_kept_in_the_history(store):
    task_id = store.add()
    save(store, store.claim_one(), "the last words\n", "of it\n")
    store.lose()
    store.rescue()
    found = written(store, task_id)
    assert (found.outcome, found.stdout.text, found.stderr.text) == (
        "lost",
        "the last words\n",
        "of it\n",
    )
    assert rows(store) == []
    store.worker("bob")


def test_who_wrote_nothing_has_nothing_in_the_history(store):
    store.add()
    store.settle(store.claim_one(), Completed())
    assert store.sql("SELECT stdout, stderr FROM attempts") == [(None, None)]


def test_a_deleted_task_takes_its_output_along(store):
    store.add()
    save(store, store.claim_one(), "x")
    store.sql("DELETE FROM tasks")
    assert rows(store) == []


@pytest.mark.parametrize("task_id", [99, 0, 2**63])
def test_a_task_that_is_not_there_has_written_nothing(store, task_id):
    with pytest.raises(TaskNotFoundError):
        written(store, task_id)


@on_a_server
def test_what_is_stored_waits_for_no_settlement(store, connection):
    store.add()
    store.add()
    settled, other = store.claim(limit=2)
    with connection.transaction():
        connection.execute("SELECT 1 FROM tasks WHERE id = %s FOR UPDATE", [settled.task_id])
        both = [output.Row(one.task_id, one.token, "x", "") for one in (settled, other)]
        store.write(output.save, both, now=store.now)
    assert [row.task_id for row in rows(store)] == [other.task_id]
