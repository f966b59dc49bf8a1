"""Reading: one task, many, the history, and what is left to do."""

from datetime import timedelta

import pytest

from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed, Snoozed
from jobrunner.core.status import Status
from jobrunner.storage import agenda, counting, reads

SECOND = timedelta(seconds=1)
NOWHERE = None


def found(tasks):
    return [task.id for task in tasks]


@pytest.mark.parametrize("task_id", [7, 0, 2**70, "7", None, 7.5, {"id": 7}])
def test_an_unknown_task_is_not_found(store, task_id):
    for look in (store.get, store.cancel, store.retry):
        with pytest.raises(TaskNotFoundError, match="there is no task"):
            look(task_id)


def test_a_task_knows_its_parents_in_order(store):
    one, two = store.add(), store.add()
    assert store.get(store.add(after=[two], after_any=[one])).after == (one, two)


def test_many_tasks_come_in_the_order_of_their_ids_without_the_unknown(store):
    ids = store.enqueue(*[NewTask(function="work") for _ in range(1100)])
    asked = [*reversed(ids), 99_999, ids[0]]
    assert found(store.read(reads.get_many, asked, source=NOWHERE)) == ids


def test_find_shows_the_newest_first_and_goes_on_below_an_id(store):
    ids = [store.add() for _ in range(5)]
    assert found(store.read(reads.find, source=NOWHERE, limit=2)) == [ids[4], ids[3]]
    rest = store.read(reads.find, source=NOWHERE, before=ids[3])
    assert found(rest) == [ids[2], ids[1], ids[0]]


def test_find_narrows_by_status_queue_and_function(store):
    done = store.add(function="a", queue="x")
    store.finish(done, Completed())
    other = store.add(function="a", queue="y")
    command = store.add(command=["true"], queue="x")
    cases = [
        ({"status": Status.COMPLETED}, [done]),
        ({"queue": "x"}, [command, done]),
        ({"function": "a"}, [other, done]),
        ({"function": "a", "queue": "y", "status": Status.PENDING}, [other]),
        ({"queue": "nothing"}, []),
    ]
    for wanted, expected in cases:
        assert found(store.read(reads.find, source=NOWHERE, **wanted)) == expected


def test_counts_name_every_status(store):
    assert store.read(counting.counts) == dict.fromkeys(Status, 0)
    store.add(after=[store.add()])
    counts = store.read(counting.counts)
    assert counts == dict.fromkeys(Status, 0) | {Status.PENDING: 1, Status.BLOCKED: 1}


def test_the_history_is_told_oldest_first(store):
    task_id = store.add()
    for outcome in (Failed("one"), Snoozed(SECOND), Completed()):
        store.sql("UPDATE tasks SET status = 'pending'")
        store.settle(store.claim_one(), outcome)
    records = store.read(reads.history, task_id)
    assert [record.outcome for record in records] == ["failed", "snoozed", "completed"]
    assert [record.number for record in records] == [1, 2, 2]
    assert [record.error for record in records] == ["one", None, None]


def test_still_open_leaves_out_what_has_ended(store):
    done, waits = store.add(), store.add()
    store.finish(done, Completed())
    assert store.read(reads.still_open, [waits, done]) == [waits]
    assert store.read(reads.still_open, []) == []
    with pytest.raises(TaskNotFoundError, match="999"):
        store.read(reads.still_open, [done, 999])


def test_the_next_due_moment_is_the_earliest_scheduled(store):
    assert store.read(agenda.look).next_due is None
    store.add()
    store.add(delay=9 * SECOND)
    store.add(delay=5 * SECOND)
    assert store.read(agenda.look).next_due == store.now + 5 * SECOND


def test_the_oldest_pending_moment_is_since_when_it_could_run(store):
    assert store.read(reads.oldest_pending) is None
    first = store.now
    store.add()
    store.later(5)
    store.add(priority=9)
    assert store.read(reads.oldest_pending) == first


class TestNothingLeft:
    @pytest.mark.parametrize(
        ("fields", "left"), [({}, True), ({"delay": SECOND}, True), ({"queue": "other"}, True)]
    )
    def test_a_task_that_could_run_is_left(self, store, fields, left):
        assert store.read(reads.nothing_left)
        store.add(**fields)
        assert store.read(reads.nothing_left) is not left

    def test_a_running_task_is_left_since_it_may_be_retried(self, store):
        task_id = store.add()
        lease = store.claim_one()
        assert not store.read(reads.nothing_left)
        store.settle(lease, Completed())
        assert store.read(reads.nothing_left)
        assert store.statuses(task_id) == ["completed"]

    def test_only_the_given_queues_count(self, store):
        store.add(queue="a")
        assert store.read(reads.nothing_left, ["b", "c"])
        assert not store.read(reads.nothing_left, ["b", "a"])

    def test_a_blocked_task_of_the_queue_is_left_while_its_parent_is_elsewhere(self, store):
        store.add(queue="b", after=[store.add(queue="a")])
        assert not store.read(reads.nothing_left, ["b"])
        assert not store.read(reads.nothing_left)
