"""Rewind: a task and all below it run again, and what is good beside them stays."""

import pytest

from jobrunner.core.errors import TaskNotFoundError, TaskStateError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.task import Token
from jobrunner.storage import batches, progress
from jobrunner.storage.parents import NOTHING_FAILED
from tests.storage.rewound import again, run_all

GOOD, BAD = Completed("1"), Failed("broken", retryable=False)
AGAIN = Failed("broken")


def family(store):
    """root -> left, right -> bottom; and other, which descends from nobody."""
    root = NewTask(function="work", description="root")
    left = NewTask(function="work", description="left", after=[root])
    right = NewTask(function="work", description="right", after=[root])
    bottom = NewTask(function="work", description="bottom", after=[left, right])
    other = NewTask(function="work", description="other")
    return store.enqueue(root, left, right, bottom, other)


def test_a_completed_task_and_all_below_it_run_again(store):
    root, left, right, bottom, other = family(store)
    run_all(store)
    assert again(store, left) == [left, bottom]
    assert store.statuses(root, left, right, bottom, other) == [
        "completed",
        "pending",
        "completed",
        "blocked",
        "completed",
    ]
    assert store.get(left).returned is store.get(bottom).returned is None
    assert store.get(right).returned == 1
    assert store.problems() == []
    run_all(store)
    assert store.history(left) == store.history(bottom) == ["completed", "completed"]
    assert store.history(root) == store.history(right) == ["completed"]
    assert store.get(bottom).status == "completed"


def test_none_of_it_runs_before_its_parents_again(store):
    root, left, right, bottom, _ = family(store)
    run_all(store)
    assert again(store, root) == [root, left, right, bottom]
    assert store.statuses(root, left, right, bottom) == ["pending", *["blocked"] * 3]
    assert [lease.task_id for lease in store.claim()] == [root]


def test_only_what_failed_runs_again_where_that_is_asked_for(store):
    root, left, right, bottom, _ = family(store)
    run_all(store, left=BAD)
    assert store.statuses(left, right, bottom) == ["failed", "completed", "cancelled"]
    assert again(store, root, failed_only=True) == [left, bottom]
    assert store.statuses(root, left, right, bottom) == [
        "completed",
        "pending",
        "completed",
        "blocked",
    ]
    run_all(store)
    assert store.statuses(left, bottom) == ["completed", "completed"]
    with pytest.raises(TaskStateError, match="has not failed, and nothing below it has"):
        again(store, root, failed_only=True)


def test_what_waits_for_another_that_failed_stays_cancelled(store):
    bad = store.add(description="bad")
    root = store.add()
    both = store.add(after=[bad, root])
    alone = store.add(after=[root])
    run_all(store, bad=BAD)
    assert store.statuses(both, alone) == ["cancelled", "completed"]
    error = store.get(both).error
    with pytest.raises(TaskStateError, match="nothing below it that failed and can run"):
        again(store, root, failed_only=True)
    assert again(store, root) == [root, alone]
    assert store.get(both).error == error
    with pytest.raises(TaskStateError, match=f"task {bad}, which it depends on, failed"):
        again(store, both)


def test_what_no_failure_calls_for_any_more_stays_as_it_is(store):
    bad, member = store.add(), NewTask(function="work")
    store.finish(bad, BAD)
    root = store.add()
    never = store.add(after=[bad, root])
    alarm = NewTask(function="work", after_any=[never])
    callbacks = {"on_failure": alarm}
    _, rows = store.write(batches.create, [member], callbacks, description="", now=store.now)
    one, called = (row["id"] for row in rows)
    store.settle_all([store.ended(lease, BAD) for lease in store.claim()])
    run_all(store)
    assert store.statuses(root, one, called) == ["failed", "failed", "completed"]
    store.retry(one)
    run_all(store)
    assert again(store, root) == [root]
    assert store.statuses(called) == ["completed"]
    assert store.get(called).returned == 1


def test_while_one_of_them_runs_nothing_is_rewound(store):
    root, left, right, *_ = family(store)
    store.finish(root, GOOD)
    running = store.claim_one()
    before = store.everything()
    with pytest.raises(TaskStateError, match=f"task {left} is in progress"):
        again(store, root)
    assert store.everything() == before
    store.settle(running, GOOD)
    again(store, root)
    assert store.statuses(right) == ["blocked"]


@pytest.mark.parametrize("task_id", [99, 0, -1, 2**63, 2**70])
def test_an_unknown_task_is_not_rewound(store, task_id):
    with pytest.raises(TaskNotFoundError):
        again(store, task_id)


def test_a_task_that_has_not_ended_is_not_rewound(store):
    task_id = store.add()
    for status in ("pending", "in_progress"):
        with pytest.raises(TaskStateError, match=f"is {status}"):
            again(store, task_id)
        store.claim()
    with pytest.raises(TaskStateError, match="has not failed"):
        again(store, task_id, failed_only=True)


def test_each_rewind_gives_as_many_attempts_as_at_first(store):
    task_id = store.add(max_attempts=3)
    for times in (1, 2, 3):
        for _ in range(3):
            store.settle(store.claim_one(), AGAIN)
            store.sql("UPDATE tasks SET status = 'pending' WHERE status = 'scheduled'")
        assert store.get(task_id).status == "failed"
        assert store.get(task_id).attempt == 3 * times
        again(store, task_id)
    assert store.sql("SELECT attempt FROM rewinds ORDER BY id") == [(3,), (6,), (9,)]


def test_what_it_had_stored_is_forgotten_and_its_crashes_are(store):
    task_id = store.add()
    lease = store.claim_one()
    fence = (task_id, Token(lease.token))
    store.write(progress.save, *fence, now=store.now, done=1, checkpoint="5")
    store.sql("INSERT INTO task_steps VALUES (1, 'first', '1', 0)")
    store.sql("INSERT INTO event_waits VALUES (1, 'approved', 0, NULL)")
    store.settle(lease, BAD)
    store.sql("UPDATE tasks SET crashes = 2")
    again(store, task_id, failed_only=True)
    assert store.read(progress.checkpoint, task_id) == "5", "as a retry, it goes on from there"
    run_all(store)
    again(store, task_id)
    for table in ("progress", "task_steps", "event_waits"):
        assert store.sql(f"SELECT * FROM {table}") == []  # noqa: S608
    found = store.get(task_id)
    assert (found.crashes, found.worker_id, found.started_at, found.error) == (0, None, None, None)


def test_a_batch_is_rewound_with_its_callbacks(store):
    names = {"on_success": "cancel", "on_failure": "only", "on_end": "run"}
    callbacks = {name: NewTask(function="work", description=name) for name in names}
    members = [NewTask(function="work", description=name) for name in ("one", "two")]
    _, rows = store.write(batches.create, members, callbacks, description="", now=store.now)
    one, two, success, failure, end = (row["id"] for row in rows)
    run_all(store, one=BAD)
    assert store.statuses(success, failure, end) == ["cancelled", "completed", "completed"]
    again(store, one)
    assert store.statuses(two, success, failure, end) == ["completed", *["blocked"] * 3]
    run_all(store)
    assert store.statuses(one, success, failure, end) == [
        "completed",
        "completed",
        "cancelled",
        "completed",
    ]
    assert store.get(failure).error == NOTHING_FAILED


def test_a_second_completion_without_a_rewind_is_found(store):
    task_id = store.add()
    store.finish(task_id, GOOD)
    again(store, task_id)
    store.finish(task_id, GOOD)
    assert store.problems() == []
    store.sql("DELETE FROM rewinds")
    assert store.problems() == [f"task {task_id} has completed 2 times"]
    store.sql("DELETE FROM attempts")
