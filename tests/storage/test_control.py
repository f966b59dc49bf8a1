"""Cancel, retry and change, in every status."""

import pytest

from jobrunner.core.errors import TaskNotFoundError, TaskStateError
from jobrunner.core.outcome import Cancelled, Completed, Failed, Lost
from jobrunner.core.status import FINAL, OPEN, Status
from jobrunner.core.task import WorkerId
from jobrunner.core.verdict import CANCEL_REASON
from jobrunner.storage import control, crews

BROKEN = Failed("broken", retryable=False)
WAITING = sorted(OPEN - {Status.IN_PROGRESS})
ENDS = {
    Status.COMPLETED: Completed(),
    Status.FAILED: BROKEN,
    Status.CANCELLED: Cancelled("enough"),
}


@pytest.fixture
def task_in(store):
    """Make a task and take it to a status."""

    def make(status):
        if status is Status.BLOCKED:
            return store.add(after=[store.add()])
        if status is Status.SCHEDULED:
            return store.add(run_at=store.now.replace(year=2030))
        task_id = store.add()
        if status is Status.IN_PROGRESS:
            store.claim_one()
        elif status in ENDS:
            store.finish(task_id, ENDS[status])
        return task_id

    return make


def change(store, task_id, **values):
    return store.write(control.change, task_id, values)


@pytest.mark.parametrize("number", [999, 0, -1, 2**63, 10**30])
@pytest.mark.parametrize("call", [control.cancel, control.retry])
def test_an_unknown_task_is_not_found(store, call, number):
    with pytest.raises(TaskNotFoundError, match=str(number)) as told:
        store.write(call, number, now=store.now)
    assert told.value.task_id == number
    with pytest.raises(TaskNotFoundError):
        change(store, number, priority=1)


class TestCancel:
    @pytest.mark.parametrize("status", WAITING)
    def test_a_waiting_task_is_cancelled_at_once(self, store, task_in, status):
        task_id = task_in(status)
        assert store.statuses(task_id) == [status]
        assert store.cancel(task_id) == "cancelled"
        task = store.get(task_id)
        assert (task.status, task.error) == ("cancelled", CANCEL_REASON)
        assert task.finished_at == store.now
        assert store.history(task_id) == []

    def test_a_running_task_is_asked_to_stop_once(self, store, task_in):
        task_id = task_in(Status.IN_PROGRESS)
        asked_at = store.now
        assert store.read(crews.orders, WorkerId("ada")).cancels == ()
        assert store.cancel(task_id) == "in_progress"
        store.later(1)
        assert store.cancel(task_id) == "in_progress"
        assert store.get(task_id).cancel_requested_at == asked_at
        assert store.read(crews.orders, WorkerId("ada")).cancels == (task_id,)
        store.worker("bob")
        assert store.read(crews.orders, WorkerId("bob")).cancels == ()

    @pytest.mark.parametrize("status", sorted(FINAL))
    def test_an_ended_task_stays_as_it_is(self, store, task_in, status):
        task_id = task_in(status)
        before = store.everything()
        with pytest.raises(TaskStateError, match=f"it is {status}"):
            store.cancel(task_id)
        assert store.everything() == before

    def test_its_dependents_follow(self, store):
        parent = store.add()
        needs, anyway = store.add(after=[parent]), store.add(after_any=[parent])
        store.cancel(parent)
        assert store.statuses(needs, anyway) == ["cancelled", "pending"]

    def test_a_blocked_task_cancelled_by_hand_is_not_released_later(self, store):
        parent = store.add()
        task_id = store.add(after=[parent])
        store.cancel(task_id)
        store.finish(parent, Completed())
        assert store.statuses(task_id) == ["cancelled"]


class TestRetry:
    @pytest.mark.parametrize("status", sorted(set(Status) - {Status.FAILED, Status.CANCELLED}))
    def test_only_failed_and_cancelled_tasks_are_retried(self, store, task_in, status):
        task_id = task_in(status)
        before = store.everything()
        with pytest.raises(TaskStateError, match=f"is {status}"):
            store.retry(task_id)
        assert store.everything() == before

    @pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
    def test_it_runs_again_with_its_history(self, store, task_in, status):
        task_id = task_in(status)
        store.later(60)
        assert store.retry(task_id) == "pending"
        task = store.get(task_id)
        assert (task.status, task.run_at, task.error) == ("pending", store.now, None)
        assert (task.finished_at, task.cancel_requested_at) == (None, None)
        store.finish(task_id, Completed())
        assert store.history(task_id) == [status.value, "completed"]
        assert store.get(task_id).attempt == 2

    def test_it_gets_at_least_one_more_attempt(self, store):
        spent, unspent = store.add(max_attempts=1), store.add(max_attempts=9)
        for task_id in (spent, unspent):
            store.finish(task_id, BROKEN)
        for task_id in (spent, unspent):
            store.retry(task_id)
        assert [store.get(task_id).max_attempts for task_id in (spent, unspent)] == [2, 9]
        store.finish(spent, Failed("broken"))
        assert store.statuses(spent) == ["failed"]

    def test_its_crashes_are_forgiven(self, store):
        task_id = store.add()
        for _ in range(5):
            store.finish(task_id, Lost("killed"))
        assert (store.statuses(task_id), store.get(task_id).crashes) == (["failed"], 5)
        store.retry(task_id)
        assert store.get(task_id).crashes == 0
        store.finish(task_id, Failed("broken"))
        assert store.statuses(task_id) == ["failed"]  # five crashes and one failure: 6 of 6

    def test_behind_a_failed_parent_it_is_refused_with_the_next_step(self, store):
        parent = store.add()
        task_id = store.add(after=[parent])
        store.finish(parent, BROKEN)
        with pytest.raises(
            TaskStateError, match=f"depends on task {parent}, which is failed"
        ) as told:
            store.retry(task_id)
        assert f"jobrunner task retry {parent} {task_id}" in told.value.hint

    def test_behind_a_parent_that_is_open_again_it_waits(self, store):
        parent = store.add()
        task_id = store.add(after=[parent])
        store.finish(parent, BROKEN)
        store.retry(parent)
        assert store.retry(task_id) == "blocked"
        store.finish(parent, Completed())
        assert store.statuses(task_id) == ["pending"]

    def test_behind_a_failed_parent_that_it_only_waits_for_it_runs(self, store):
        parent = store.add()
        task_id = store.add(after_any=[parent])
        store.finish(parent, BROKEN)
        store.finish(task_id, BROKEN)
        assert store.retry(task_id) == "pending"

    def test_a_task_cancelled_while_it_was_blocked_counts_its_parents_anew(self, store):
        parents = [store.add(), store.add()]
        task_id = store.add(after=parents)
        store.cancel(task_id)
        store.finish(parents[0], Completed())
        assert store.retry(task_id) == "blocked"
        store.finish(parents[1], Completed())
        assert store.statuses(task_id) == ["pending"]


class TestChange:
    @pytest.mark.parametrize("status", WAITING)
    def test_a_waiting_task_is_changed(self, store, task_in, status):
        task_id = task_in(status)
        change(store, task_id, priority=9, queue="other")
        task = store.get(task_id)
        assert (task.status, task.priority, task.queue) == (status, 9, "other")

    @pytest.mark.parametrize("status", sorted({*FINAL, Status.IN_PROGRESS}))
    def test_a_task_that_has_started_is_not(self, store, task_in, status):
        task_id = task_in(status)
        with pytest.raises(TaskStateError, match=f"is {status}"):
            change(store, task_id, priority=9)
        assert store.get(task_id).priority != 9

    def test_no_change_is_allowed(self, store):
        change(store, store.add())
