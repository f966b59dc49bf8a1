"""What is not started in time is never started: it is cancelled, and its dependents follow."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed, Released
from jobrunner.storage import expiry, sweep
from jobrunner.storage.agenda import look
from jobrunner.storage.settle import Settlement

HOUR = timedelta(hours=1)


@pytest.fixture
def expire(store):
    """End what has expired by now."""

    def end():
        settlement = Settlement([], [], [])
        store.write(expiry.expire, settlement, now=store.now)
        return settlement

    return end


def test_a_task_that_was_not_started_in_time_is_cancelled(store, expire):
    task_id = store.add(expires_in=HOUR)
    store.later(3599)
    assert expire().expired == []
    store.later(1)
    ((expired, reason),) = expire().expired
    task = store.get(task_id)
    assert (expired, task.status, task.error) == (task_id, "cancelled", reason)
    assert reason == "expired: not started by 2026-01-01T01:00:00.000Z"
    assert task.finished_at == store.now
    assert (store.history(task_id), expire().expired) == ([], [])


def test_a_claim_takes_nothing_that_has_expired(store):
    late, lasting = store.add(expires_in=HOUR, priority=9), store.add()
    store.later(3600)
    assert [lease.task_id for lease in store.claim()] == [lasting]
    assert store.statuses(late) == ["pending"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    expiries=st.lists(st.one_of(st.none(), st.integers(1, 20)), min_size=1, max_size=12),
    passes=st.lists(st.tuples(st.integers(0, 6), st.integers(1, 4), st.booleans()), max_size=6),
)
def test_whatever_is_claimed_is_in_time(database, make_store, expiries, passes):
    store = make_store(database)
    store.sql("DELETE FROM tasks")
    store.sql("DELETE FROM workers")
    store.worker("ada")
    until = {
        store.add(expires_in=timedelta(seconds=seconds) if seconds else None): seconds
        for seconds in expiries
    }
    began = store.now
    for seconds, limit, swept in passes:
        store.later(seconds)
        if swept:
            store.write(expiry.expire, Settlement([], [], []), now=store.now)
        for lease in store.claim(limit=limit):
            lasts = until[lease.task_id]
            assert lasts is None or store.now < began + timedelta(seconds=lasts)
    assert store.problems() == []


@pytest.mark.parametrize("delay", [timedelta(), timedelta(days=1)])
def test_blocked_and_scheduled_tasks_expire_too(store, expire, delay):
    parent = store.add()
    blocked = store.add(after=[parent], expires_in=HOUR)
    scheduled = store.add(delay=delay, expires_at=store.now + HOUR)
    store.later(3600)
    assert {task_id for task_id, _ in expire().expired} == {blocked, scheduled}
    assert store.statuses(parent, blocked, scheduled) == ["pending", "cancelled", "cancelled"]
    store.finish(parent, Completed())
    assert store.statuses(blocked) == ["cancelled"]


def test_its_dependents_follow_as_with_any_cancel(store, expire):
    parent = store.add(expires_in=HOUR)
    needs, anyway = store.add(after=[parent]), store.add(after_any=[parent])
    below = store.add(after=[needs])
    store.later(3600)
    assert expire().cancelled_dependents == [(needs, parent), (below, needs)]
    assert store.statuses(needs, anyway, below) == ["cancelled", "pending", "cancelled"]


def test_parent_and_dependent_that_expire_at_once_are_both_told_once(store, expire):
    parent = store.add(expires_in=HOUR)
    both = store.add(after=[parent], expires_in=HOUR)
    store.later(3600)
    settlement = expire()
    assert ({t for t, _ in settlement.expired}, settlement.cancelled_dependents) == (
        {parent, both},
        [],
    )


def test_what_runs_is_not_touched_and_its_end_counts(store, expire):
    task_id = store.add(expires_in=HOUR)
    lease = store.claim_one()
    store.later(3600)
    assert expire().expired == []
    store.settle(lease, Completed())
    assert store.statuses(task_id) == ["completed"]


@pytest.mark.parametrize("outcome", [Failed("broken"), Released()])
def test_an_attempt_that_is_to_be_repeated_must_start_in_time_too(store, expire, outcome):
    task_id = store.add(expires_in=HOUR)
    lease = store.claim_one()
    store.later(3600)
    store.settle(lease, outcome)
    ((expired, reason),) = expire().expired
    assert (expired, reason.startswith("expired: not started again by ")) == (task_id, True)
    assert store.statuses(task_id) == ["cancelled"]


def test_very_many_end_in_several_goes(store, expire, monkeypatch):
    for number in range(expiry.AT_ONCE + 1):
        store.add(expires_in=timedelta(seconds=number + 1))
    store.later(3600)
    assert store.read(look).next_expiry < store.now
    assert [len(expire().expired) for _ in range(3)] == [expiry.AT_ONCE, 1, 0]
    assert store.read(look).next_expiry is None


def test_the_agenda_and_the_sweep_know_when_the_next_expires(store):
    assert store.read(look).next_expiry is None
    store.add(expires_in=2 * HOUR)
    store.add(expires_in=HOUR)
    assert store.read(look).next_expiry == store.now + HOUR
    assert store.read(look).next() == store.now + HOUR


def test_a_person_who_retries_it_takes_the_passed_expiry_off(store, expire):
    late, early = store.add(expires_in=HOUR), store.add(expires_in=3 * HOUR)
    store.finish(early, Failed("broken", retryable=False))
    store.later(3600)
    expire()
    assert [store.retry(late), store.retry(early)] == ["pending", "pending"]
    assert store.get(late).expires_at is None
    assert store.get(early).expires_at is not None
    assert len(store.claim()) == 2


def test_promotion_does_not_bring_an_expired_task_into_play(store):
    store.add(delay=HOUR, expires_at=store.now + HOUR * 2)
    store.later(3 * 3600)
    store.write(sweep.promote, now=store.now)
    assert store.claim() == []


@pytest.mark.parametrize("field", ["expires_in", "expires_at"])
@pytest.mark.parametrize("value", [0, "1h", True, timedelta(), -HOUR])
def test_an_expiry_that_makes_no_sense_is_refused(field, value):
    with pytest.raises(InvalidTaskError, match=field):
        NewTask(function="work", **{field: value})


def test_a_task_that_could_only_start_after_its_expiry_is_refused(store):
    for fields in (
        {"delay": HOUR, "expires_in": HOUR},
        {"run_at": store.now + HOUR, "expires_at": store.now + HOUR},
    ):
        with pytest.raises(InvalidTaskError, match="before it may start"):
            NewTask(function="work", **fields)
