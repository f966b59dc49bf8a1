"""Tasks that come back: after a run, a rescue, a retry by hand, a rewind; none meets another."""

from datetime import timedelta

import pytest

from jobrunner.core.errors import TaskStateError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed, Released, Snoozed
from jobrunner.core.unique import WAITING, Unique
from jobrunner.storage.rewind import rewind
from tests.storage.keyring import holders

MINUTE = timedelta(minutes=1)
BROKEN = Failed("broken", retryable=False)


def work(**rule):
    return NewTask(function="work", unique=Unique(key="k", **rule))


def ignored(**rule):
    return work(on_conflict="ignore", **rule)


def test_one_that_is_unique_while_it_waits_leaves_room_for_one_behind_it(store):
    first, second = (store.enqueue(ignored(in_=WAITING))[0] for _ in range(2))
    assert first == second
    lease = store.claim_one()
    (behind,) = store.enqueue(ignored(in_=WAITING))
    assert behind != first
    assert store.enqueue(ignored(in_=WAITING)) == [behind]
    store.settle(lease, Completed("1"))


@pytest.mark.parametrize("end", [Failed("broken"), Snoozed(MINUTE), Released()])
def test_one_that_waits_beside_a_run_leaves_it_a_retry(store, end):
    (first,) = store.enqueue(work(in_=WAITING))
    lease = store.claim_one()
    (behind,) = store.enqueue(work(in_=WAITING))
    store.settle(lease, end)
    assert set(store.statuses(first, behind)) <= {"pending", "scheduled"}
    assert holders(store) == [behind]


def test_a_late_end_takes_no_key_from_one_that_has_ended(store):
    store.enqueue(work(in_=WAITING))
    lease = store.claim_one()
    store.settle(lease, Completed("1"))
    before = store.everything()
    assert store.settle(lease, Failed("broken")).refused
    assert store.everything() == before


def test_those_that_ran_beside_each_other_are_retried_by_hand_beside_each_other(store):
    ids = []
    for _ in range(2):
        ids += store.enqueue(work(in_=WAITING))
        store.settle(store.claim_one(), BROKEN)
    assert [store.retry(task_id) for task_id in ids] == ["pending"] * 2
    assert holders(store) == []


def test_a_rescue_gives_back_what_another_waits_behind(store):
    (first,) = store.enqueue(work(in_=WAITING))
    store.claim_one()
    (behind,) = store.enqueue(work(in_=WAITING))
    assert store.lose()
    store.rescue()
    assert store.statuses(first, behind) == ["pending", "pending"]


def test_a_retry_by_hand_is_refused_while_another_has_the_key(store):
    (first,) = store.enqueue(work())
    store.settle(store.claim_one(), BROKEN)
    (second,) = store.enqueue(work())
    with pytest.raises(TaskStateError, match=f"task {first} has the .* which task {second} has"):
        store.retry(first)
    store.cancel(second)
    assert store.retry(first) == "pending"
    with pytest.raises(TaskStateError):
        store.retry(second)


def test_a_retry_after_its_period_is_not_unique_any_more(store):
    (first,) = store.enqueue(work(within=MINUTE))
    store.cancel(first)
    (second,) = store.enqueue(work())
    store.later(60)
    assert store.retry(first) == "pending"
    assert holders(store) == [second]


def test_a_retry_takes_the_key_of_one_whose_period_is_over(store):
    (first,) = store.enqueue(work())
    store.cancel(first)
    (second,) = store.enqueue(work(within=MINUTE))
    store.later(60)
    assert store.retry(first) == "pending"
    assert holders(store) == [first] != [second]


def test_a_rewind_is_refused_while_another_has_a_key_below(store):
    above = store.add()
    below = NewTask(function="work", after=[above], unique="k")
    (first,) = store.enqueue(below)
    for _ in range(2):
        store.settle(store.claim_one(), Completed("1"))
    (second,) = store.enqueue(work())
    before = store.everything()
    with pytest.raises(TaskStateError, match=f"task {first} has the .* which task {second} has"):
        store.write(rewind, above, now=store.now)
    assert store.everything() == before
    store.cancel(second)
    assert store.write(rewind, above, now=store.now) == [above, first]
    assert holders(store) == [first]


def test_a_rewind_of_two_that_waited_one_after_the_other_lets_both_run(store):
    above = store.add()
    ids = []
    for _ in range(2):
        ids += store.enqueue(
            NewTask(function="w", after=[above], unique=Unique(key="k", in_=WAITING))
        )
        while leases := store.claim():
            store.settle_all([store.ended(lease, Completed("1")) for lease in leases])
    assert store.write(rewind, above, now=store.now) == [above, *ids]
    assert store.statuses(*ids) == ["blocked"] * 2
