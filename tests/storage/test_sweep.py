"""The sweeps: what is due runs, what was lost runs again; what is old goes: `test_retention`."""

from datetime import timedelta

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.task import WorkerId
from jobrunner.core.verdict import MAX_CRASHES
from jobrunner.storage import reads, sweep, workers

BROKEN = Failed("broken", retryable=False)
SECOND = timedelta(seconds=1)


def promote(store):
    return store.write(sweep.promote, now=store.now)


class TestPromote:
    def test_a_task_becomes_pending_at_its_moment_and_not_before(self, store):
        task_id = store.add(delay=10 * SECOND)
        store.later(9.999999)
        assert (promote(store), store.statuses(task_id)) == (0, ["scheduled"])
        store.later(0.000001)
        assert (promote(store), store.statuses(task_id)) == (1, ["pending"])

    def test_the_earliest_go_first_and_a_bounded_number_at_once(self, store):
        late = store.add(delay=2 * SECOND)
        store.enqueue(*[NewTask(function="work", delay=SECOND) for _ in range(1000)])
        store.later(5)
        assert promote(store) == sweep.PROMOTE_AT_ONCE == 1000
        assert store.statuses(late) == ["scheduled"]
        assert (promote(store), promote(store)) == (1, 0)

    def test_a_blocked_task_is_not_promoted(self, store):
        task_id = store.add(after=[store.add()], delay=SECOND)
        store.later(5)
        assert (promote(store), store.statuses(task_id)) == (0, ["blocked"])


class TestRescue:
    def test_a_lost_workers_tasks_run_again_and_count_a_crash(self, store):
        store.worker("bob")
        mine = [store.add() for _ in range(3)]
        store.claim()
        other = store.add()
        store.claim("bob")
        assert store.lose()
        settlement = store.rescue(reason="signal 9")
        assert [end.verdict.crashes for end in settlement.settled] == [1, 1, 1]
        assert store.statuses(*mine, other) == ["pending"] * 3 + ["in_progress"]
        assert [store.get(task_id).crashes for task_id in mine] == [1, 1, 1]
        for task_id in mine:
            (record,) = store.read(reads.history, task_id)
            assert (record.outcome, record.error) == ("lost", "signal 9")
            assert (record.worker_id, record.ended_at) == ("ada", store.now)

    def test_the_lost_workers_late_result_is_refused(self, store):
        store.worker("bob")
        store.add()
        late = store.claim_one()
        store.lose()
        store.rescue()
        again = store.claim_one("bob")
        before = store.everything()
        assert [end.lease for end in store.settle(late, Completed()).refused] == [late]
        assert store.everything() == before
        assert again.attempt == late.attempt + 1

    def test_a_second_rescue_finds_nothing(self, store):
        store.add()
        store.claim()
        store.lose()
        store.rescue()
        before = store.everything()
        assert store.rescue().settled == []
        assert store.everything() == before

    def test_a_finished_task_of_a_lost_worker_stays_as_it_is(self, store):
        task_id = store.add()
        store.finish(task_id, Completed())
        store.lose()
        settlement = store.rescue()
        assert (settlement.settled, settlement.refused) == ([], [])
        assert store.statuses(task_id) == ["completed"]

    def test_a_task_that_kills_every_worker_ends_as_a_poison_pill(self, empty_store):
        store = empty_store
        task_id = store.add(max_attempts=1)
        dependent = store.add(after=[task_id])
        for number in range(MAX_CRASHES):
            name = store.worker(f"w{number}")
            store.claim(name)
            store.lose(name)
            store.rescue(name, reason="signal 11")
        assert store.statuses(task_id, dependent) == ["failed", "cancelled"]
        assert store.history(task_id) == ["lost"] * MAX_CRASHES
        assert "signal 11" in str(store.get(task_id).error)
        assert store.problems() == []

    def test_a_task_whose_end_was_asked_for_is_cancelled_by_the_rescue(self, store):
        task_id = store.add()
        store.claim()
        store.cancel(task_id)
        store.lose()
        store.rescue()
        assert store.statuses(task_id) == ["cancelled"]

    def test_ended_workers_that_still_hold_tasks_are_found(self, store):
        assert store.read(sweep.orphaned_by) == []
        store.add()
        store.add()
        store.claim()
        assert store.read(sweep.orphaned_by) == [], "their worker lives"
        store.write(workers.set_stopped, WorkerId("ada"), now=store.now)
        assert store.read(sweep.orphaned_by) == ["ada"]
        store.rescue()
        assert store.read(sweep.orphaned_by) == []


class TestOverdue:
    def take(self, store, claimed):
        return store.write(
            sweep.take_overdue, claimed, now=store.now, backoff=lambda failures: failures * SECOND
        )

    def test_a_task_that_overran_is_taken_and_retried(self, store):
        task_id = store.add(timeout=2.5 * SECOND)
        store.add()
        lease, _ = store.claim()
        (claimed,) = store.read(sweep.with_timeout)
        assert (claimed.task_id, claimed.token, claimed.worker_id) == (task_id, lease.token, "ada")
        assert claimed.timeout == 2.5 * SECOND
        store.later(3)
        assert len(self.take(store, claimed).settled) == 1
        task = store.get(task_id)
        assert (task.status, task.crashes, task.run_at) == ("scheduled", 0, store.now + SECOND)
        assert store.history(task_id) == ["timed_out"]
        assert store.settle(lease, Completed()).settled == []

    def test_a_task_that_ended_in_time_is_left_alone(self, store):
        store.add(timeout=SECOND)
        lease = store.claim_one()
        (claimed,) = store.read(sweep.with_timeout)
        store.settle(lease, Completed())
        before = store.everything()
        assert self.take(store, claimed).settled == []
        assert store.everything() == before

    def test_a_newer_attempt_is_not_taken_for_the_old_one(self, store):
        store.add(timeout=SECOND)
        store.claim()
        (claimed,) = store.read(sweep.with_timeout)
        store.lose()
        store.rescue()
        store.worker("bob")
        store.claim("bob")
        assert self.take(store, claimed).settled == []
