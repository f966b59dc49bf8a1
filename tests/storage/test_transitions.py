"""Every change of a status is told from the tables; see `lived` for any order of calls."""

from datetime import timedelta

import pytest

from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.outcome import Cancelled, Completed, Failed, Released, Snoozed
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.core.unique import Unique
from jobrunner.storage import acts, deleting, expiry, sweep
from jobrunner.storage.change import change
from jobrunner.storage.prune import Chosen, prune
from jobrunner.storage.rewind import rewind
from jobrunner.storage.settle import Settlement
from jobrunner.storage.transitions import counts_at, transitions
from jobrunner.storage.types import micros

MINUTE = timedelta(minutes=1)


def told(store, task_id):
    """What happened, and the status after it."""
    return [f"{one.what} {one.status}" for one in store.read(transitions, task_id)]


def of(store, task_id, what):
    return next(one for one in store.read(transitions, task_id) if one.what == what)


def kept(store):
    return store.sql("SELECT count(*) FROM status_changes")[0][0]


def run(store, outcome):
    """Claim what is due and end it a second later."""
    store.write(sweep.promote, now=store.now)
    lease, started_at = store.claim_one(), micros(store.now)
    store.later(1)
    store.settle(lease, outcome, started_at=started_at)


def test_a_task_that_runs_leaves_no_row_for_it(store):
    task_id = store.add()
    assert told(store, task_id) == ["enqueued pending"]
    store.later(1)
    run(store, Completed())
    assert told(store, task_id) == [
        "enqueued pending",
        "started in_progress",
        "completed completed",
    ]
    at = [one.at for one in store.read(transitions, task_id)]
    assert at == [store.now - timedelta(seconds=ago) for ago in (2, 1, 0)]
    last = of(store, task_id, "completed")
    assert (last.was, last.attempt, last.worker_id) == (Status.IN_PROGRESS, 1, "ada")
    assert kept(store) == 0


def test_delays_retries_and_snoozes_come_due(store):
    task_id = store.add(delay=MINUTE, max_attempts=2)
    assert told(store, task_id) == ["enqueued scheduled"]
    for outcome in (Snoozed(MINUTE), Failed("once"), Failed("twice")):
        store.later(90)
        run(store, outcome)
    assert told(store, task_id) == [
        "enqueued scheduled",
        *("due pending", "started in_progress", "snoozed scheduled"),
        *("due pending", "started in_progress", "failed scheduled"),
        *("due pending", "started in_progress", "failed failed"),
    ]
    due = of(store, task_id, "due")
    assert due.at == store.get(task_id).created_at + MINUTE
    assert store.read(transitions, task_id)[-1].detail == "twice"
    assert kept(store) == 0


def test_what_runs_now_is_told(store):
    task_id = store.add(delay=MINUTE)
    store.later(61)
    store.write(sweep.promote, now=store.now)
    lease = store.claim_one()
    assert told(store, task_id)[1:] == ["due pending", "started in_progress"]
    assert store.cancel(task_id) == Status.IN_PROGRESS
    assert store.cancel(task_id) == Status.IN_PROGRESS
    assert told(store, task_id)[3:] == ["cancel_requested in_progress"]
    store.settle(lease, Cancelled("stopped"))
    assert told(store, task_id)[3:] == ["cancel_requested in_progress", "cancelled cancelled"]


def test_what_waits_for_others_is_told_once_it_waits_no_more(store):
    parent = store.add()
    at_once = store.add(after=[parent])
    later = store.add(after=[parent], delay=MINUTE)
    assert told(store, later) == ["enqueued blocked"]
    store.later(5)
    run(store, Completed())
    assert told(store, at_once) == ["enqueued blocked", "unblocked pending"]
    assert told(store, later) == ["enqueued blocked", "unblocked scheduled"]
    assert of(store, later, "unblocked").at == store.now
    store.later(90)
    run(store, Completed())
    run(store, Completed())
    store.sql("DELETE FROM tasks WHERE id = :id", id=parent)  # the edges go with it
    assert told(store, later) == [
        *("enqueued blocked", "unblocked scheduled", "due pending"),
        *("started in_progress", "completed completed"),
    ]
    assert kept(store) == 0


def test_an_end_that_follows_from_another_says_from_which(store):
    parent = store.add(max_attempts=1)
    dependent = store.add(after=[parent])
    run(store, Failed("no luck"))
    doomed = store.add(after=[parent])
    assert told(store, dependent) == ["enqueued blocked", "cancelled cancelled"]
    assert f"task {parent}" in of(store, dependent, "cancelled").detail
    assert told(store, doomed) == ["enqueued cancelled"]


def test_a_retry_keeps_what_was_before(store):
    parent = store.add(max_attempts=1)
    dependent = store.add(after=[parent])
    run(store, Failed("no luck"))
    store.later(60)
    store.retry(parent)
    store.retry(dependent)
    run(store, Completed())
    run(store, Completed())
    assert told(store, parent)[2:] == [
        *("failed failed", "retried pending", "started in_progress", "completed completed")
    ]
    assert told(store, dependent) == [
        *("enqueued blocked", "cancelled cancelled", "retried blocked", "unblocked pending"),
        *("started in_progress", "completed completed"),
    ]
    store.later(60)
    store.write(rewind, parent, now=store.now)
    assert told(store, parent)[-1] == "rewound pending"
    assert told(store, dependent)[-2:] == ["completed completed", "rewound blocked"]


def test_acts_by_hand_say_what_they_did(store):
    task_id = store.add(delay=MINUTE, expires_in=timedelta(hours=1))
    store.write(change, task_id, {"run_at": store.now, "priority": 3}, now=store.now)
    assert told(store, task_id) == ["enqueued scheduled", "updated pending"]
    assert of(store, task_id, "updated").detail == "priority, run_at"
    store.later(4000)
    store.write(expiry.expire, Settlement([], [], []), now=store.now)
    assert told(store, task_id)[2:] == ["expired cancelled"]
    assert "not started by" in of(store, task_id, "expired").detail
    store.retry(task_id)
    store.cancel(task_id)
    store.retry(task_id)
    assert told(store, task_id)[3:] == ["retried pending", "cancelled cancelled", "retried pending"]
    assert of(store, task_id, "cancelled").detail == "cancelled on request"


def test_a_task_that_is_put_off_again_and_again_keeps_one_row_of_it(store):
    put_off = Unique(key="key", on_conflict="replace")
    task_id = store.add(unique=put_off)
    for _ in range(3):
        store.later(1)
        store.add(unique=put_off)
    assert told(store, task_id) == ["enqueued pending", "replaced pending"]
    for _ in range(3):
        store.add(unique=put_off, delay=MINUTE)
    assert told(store, task_id)[2:] == ["replaced scheduled"]
    assert kept(store) == 2


def test_a_claim_that_is_given_back_unstarted_is_not_told(store):
    task_id = store.add()
    store.later(5)
    store.settle(store.claim_one(), Released(), started_at=None)
    assert told(store, task_id) == ["enqueued pending"]
    assert store.get(task_id).run_at == store.get(task_id).created_at
    lease = store.claim_one()
    store.cancel(task_id)
    store.settle(lease, Released(), started_at=None)
    assert store.statuses(task_id) == ["cancelled"]
    assert told(store, task_id)[-1] == "cancelled cancelled"
    assert kept(store) == 2


def test_of_a_deleted_task_that_is_known_for_a_while(store):
    ended, waiting, pruned = store.add(priority=1), store.add(), store.add()
    run(store, Completed())
    store.write(deleting.delete, [ended, waiting], now=store.now)
    (one,) = store.read(transitions, ended)
    assert (one.what, one.was, one.status, one.at) == (
        *("deleted", Status.COMPLETED, None),
        store.now,
    )
    assert of(store, waiting, "deleted").was is Status.PENDING
    store.cancel(pruned)
    store.later(1)
    store.write(prune, now=store.now, chosen=Chosen(age=timedelta(0)))
    assert kept(store) == 2
    with pytest.raises(TaskNotFoundError):
        store.read(transitions, pruned)
    store.later(89 * 86_400)
    assert store.write(acts.prune, now=store.now) == 0
    store.later(2 * 86_400)
    assert store.write(acts.prune, now=store.now) == 2


@pytest.mark.parametrize("task_id", [0, 7, 2**63])
def test_a_task_that_never_was_has_no_history(store, task_id):
    with pytest.raises(TaskNotFoundError):
        store.read(transitions, TaskId(task_id))


def test_it_is_known_how_many_stood_where(store):
    parent = store.add(max_attempts=1)
    store.add(after=[parent])
    store.add(delay=timedelta(hours=1))
    moments = {}

    def look():
        moments[store.now] = store.sql("SELECT status, count(*) FROM tasks GROUP BY status")
        store.later(60)

    look()
    store.add()
    lease, started_at = store.claim_one(), micros(store.now)
    look()
    store.settle(lease, Failed("no luck"), started_at=started_at)
    look()
    store.retry(parent)
    look()
    run(store, Completed())
    look()
    store.later(3600)
    for moment, rows in moments.items():
        found = store.read(counts_at, moment)
        assert {status.value: number for status, number in found.items() if number} == dict(
            map(tuple, rows)
        )
    assert not any(store.read(counts_at, min(moments) - MINUTE).values())
