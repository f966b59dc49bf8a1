"""Settling: the fence, the history, and what each outcome makes of the task."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import (
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Lost,
    Output,
    Released,
    Snoozed,
    TimedOut,
)
from jobrunner.core.task import Token
from jobrunner.core.verdict import CANCEL_REASON, MAX_CRASHES
from jobrunner.storage import reads
from jobrunner.storage.doubt import already_settled
from jobrunner.storage.types import micros

OUTCOMES = [
    Completed("1"),
    Failed("broken"),
    Failed("broken", retryable=False),
    TimedOut("slow"),
    Crashed("signal 9"),
    Lost("gone"),
    Snoozed(timedelta(seconds=1)),
    Cancelled("enough"),
    Released(),
]


def kind(outcome):
    return type(outcome).__name__


def test_nothing_to_settle_is_nothing_done(store):
    settlement = store.settle_all([])
    assert (settlement.settled, settlement.refused) == ([], [])


def test_a_completed_task_has_its_result_and_its_end(store):
    task_id = store.add()
    lease = store.claim_one()
    store.later(2)
    settlement = store.settle(lease, Completed('{"a":1}'))
    task = store.get(task_id)
    assert (task.status, task.returned, task.finished_at) == ("completed", {"a": 1}, store.now)
    assert [end.verdict.status for end in settlement.settled] == ["completed"]
    assert settlement.refused == []


@pytest.mark.parametrize("outcome", OUTCOMES, ids=kind)
def test_an_old_token_writes_nothing_and_is_refused(store, outcome):
    task_id = store.add()
    store.add(after=[task_id])
    old = store.claim_one()
    store.settle(old, Released())
    new = store.claim_one()
    assert old[:1] == new[:1]
    assert old.attempt == new.attempt  # given back: the attempt's number is no fence
    before = store.everything()
    settlement = store.settle(old, outcome)
    assert store.everything() == before
    assert settlement.settled == []
    assert [end.lease for end in settlement.refused] == [old]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=kind)
def test_a_second_settlement_of_a_lease_is_refused(store, outcome):
    store.add()
    lease = store.claim_one()
    store.settle(lease, outcome)
    before = store.everything()
    assert store.settle(lease, Completed()).settled == []
    assert store.everything() == before


def test_a_lease_that_ends_twice_in_one_call_is_settled_once(store):
    task_id = store.add()
    end = store.ended(store.claim_one(), Completed("1"))
    settlement = store.settle_all([end, end])
    assert (len(settlement.settled), len(settlement.refused)) == (1, 1)
    assert store.history(task_id) == ["completed"]


def test_a_lease_on_a_deleted_task_is_refused(store):
    task_id = store.add()
    lease = store.claim_one()
    store.sql("DELETE FROM tasks WHERE id = :id", id=task_id)
    assert [end.lease for end in store.settle(lease, Completed()).refused] == [lease]


def test_a_token_of_another_task_is_refused(store):
    store.add()
    store.add()
    first, second = store.claim_one(), store.claim_one()
    crossed = first._replace(token=second.token)
    before = store.everything()
    assert store.settle(crossed, Completed()).settled == []
    assert store.everything() == before


def test_good_and_stale_leases_of_one_call_do_not_disturb_each_other(store):
    stale_task, good_task = store.add(), store.add()
    stale, good = store.claim(limit=2)
    store.settle(stale, Released())
    ended = [store.ended(lease, Completed()) for lease in (stale, good)]
    settlement = store.settle_all(ended)
    assert [end.lease for end in settlement.refused] == [stale]
    assert store.statuses(stale_task, good_task) == ["pending", "completed"]


def test_the_history_refuses_a_token_that_ended_before(store):
    store.add()
    store.settle(store.claim_one(), Completed())
    with pytest.raises(IntegrityError):
        store.sql(
            "INSERT INTO attempts SELECT NULL, task_id, token, 2, worker_id, ready_at,"
            " started_at, ended_at, 'failed', '', '', 0, '', '', 0, 0 FROM attempts"
        )


def test_the_history_tells_the_attempt(store):
    task_id = store.add(command=["false"])
    lease = store.claim_one()
    store.later(3)
    output = Output(exit_code=-9, stdout="out", stderr="err")
    failed = Failed("signal 9", traceback="whole story")
    started = store.now - timedelta(seconds=1)
    store.settle(lease, failed, output=output, started_at=micros(started))
    (record,) = store.read(reads.history, task_id)
    assert (record.number, record.worker_id, record.outcome) == (1, "ada", "failed")
    assert (record.ready_at, record.started_at) == (store.now - timedelta(seconds=3), started)
    assert record.ended_at == store.now
    assert (record.error, record.traceback) == ("signal 9", "whole story")
    assert (record.exit_code, record.stdout, record.stderr) == (-9, "out", "err")


def test_a_failure_is_retried_after_the_backoff_until_the_attempts_are_spent(store):
    task_id = store.add(max_attempts=3)
    for failures in (1, 2):
        store.settle(store.claim_one(), Failed("broken"))
        task = store.get(task_id)
        assert (task.status, task.error, task.finished_at) == ("scheduled", "broken", None)
        assert task.run_at - store.now == timedelta(seconds=10 * failures)
        store.sql("UPDATE tasks SET status = 'pending'")
    store.settle(store.claim_one(), Failed("broken"))
    assert store.get(task_id).finished_at == store.now
    assert store.statuses(task_id) == ["failed"]
    assert store.history(task_id) == ["failed"] * 3


def test_a_snooze_gives_the_attempt_back(store):
    task_id = store.add(max_attempts=1)
    for _ in range(3):
        lease = store.claim_one()
        assert lease.attempt == 1
        store.settle(lease, Snoozed(timedelta(seconds=5)))
        assert store.get(task_id).attempt == 0
        assert store.get(task_id).run_at == store.now + timedelta(seconds=5)
        store.sql("UPDATE tasks SET status = 'pending'")
    assert store.history(task_id) == ["snoozed"] * 3


def test_a_task_released_before_it_started_leaves_no_history(store):
    task_id = store.add()
    store.settle(store.claim_one(), Released(), started_at=None)
    task = store.get(task_id)
    assert (task.status, task.attempt, task.started_at) == ("pending", 0, None)
    assert store.history(task_id) == []


def test_a_task_released_in_mid_run_is_in_the_history(store):
    task_id = store.add()
    store.settle(store.claim_one(), Released())
    assert store.history(task_id) == ["released"]
    assert store.get(task_id).attempt == 0


@pytest.mark.parametrize("outcome", OUTCOMES, ids=kind)
def test_a_task_whose_end_was_asked_for_never_runs_again(store, outcome):
    task_id = store.add()
    lease = store.claim_one()
    assert store.cancel(task_id) == "in_progress"
    store.settle(lease, outcome)
    (status,) = store.statuses(task_id)
    assert status in {"completed", "failed", "cancelled"}
    if not isinstance(outcome, Completed | Cancelled) and status == "cancelled":
        assert store.get(task_id).error == CANCEL_REASON


def test_a_poison_pill_fails_and_counts_no_attempt_as_failed(store):
    task_id = store.add(max_attempts=1)
    for crashes in range(1, MAX_CRASHES):
        store.settle(store.claim_one(), Crashed("signal 11"))
        assert (store.get(task_id).status, store.get(task_id).crashes) == ("pending", crashes)
    store.settle(store.claim_one(), Crashed("signal 11"))
    task = store.get(task_id)
    assert (task.status, task.crashes) == ("failed", MAX_CRASHES)
    assert "signal 11" in (task.error or "")


def test_a_commit_that_raised_is_found_in_the_history(store):
    store.add()
    store.add()
    done, open_one = store.claim(limit=2)
    store.settle(done, Completed())
    ended = [store.ended(lease, Completed()) for lease in (done, open_one)]
    found = store.read(already_settled, ended)
    assert found == {(done.task_id, done.token)}
    other = [store.ended(done._replace(token=Token(99)), Completed())]
    assert (done.task_id, Token(99)) not in store.read(already_settled, other)


def test_a_thousand_settlements_fit_into_one_call(store):
    store.enqueue(*[NewTask(function="work") for _ in range(1001)])
    ended = [store.ended(lease, Completed()) for lease in store.claim(limit=1001)]
    assert len(store.settle_all(ended).settled) == 1001
    assert store.sql("SELECT count(*) FROM tasks WHERE status = 'completed'") == [(1001,)]
