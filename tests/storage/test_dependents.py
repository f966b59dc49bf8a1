"""What the end of a task does to those that wait for it."""

import time

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Cancelled, Completed, Failed
from jobrunner.core.status import Status
from jobrunner.storage.dependents import settle_dependents
from tests.storage.plans import plans

BROKEN = Failed("broken", retryable=False)


def waiting_on(store, task_id):
    return store.sql("SELECT waiting_on FROM tasks WHERE id = :id", id=task_id)[0][0]


def test_a_dependent_is_released_by_its_parents_completion(store):
    parent = store.add()
    dependent = store.add(after=[parent])
    store.later(60)
    store.finish(parent, Completed())
    task = store.get(dependent)
    assert (task.status, task.run_at) == ("pending", store.now)
    assert waiting_on(store, dependent) == 0


def test_a_released_dependent_still_waits_for_its_own_time(store):
    parent = store.add()
    moment = store.now.replace(month=2)
    dependent = store.add(after=[parent], run_at=moment)
    store.finish(parent, Completed())
    assert (store.get(dependent).status, store.get(dependent).run_at) == ("scheduled", moment)


def test_a_fan_in_waits_for_the_last_parent(store):
    parents = [store.add() for _ in range(5)]
    dependent = store.add(after=parents)
    for left, parent in zip((4, 3, 2, 1), parents, strict=False):
        store.finish(parent, Completed())
        assert store.statuses(dependent) == ["blocked"]
        assert waiting_on(store, dependent) == left
    store.finish(parents[-1], Completed())
    assert store.statuses(dependent) == ["pending"]


def test_a_fan_in_of_more_than_one_chunk_is_released_in_one_settlement(store):
    parents = store.enqueue(*[NewTask(function="part") for _ in range(1200)])
    dependent = store.add(after=parents)
    leases = store.claim(limit=1200)
    ended = [store.ended(lease, Completed()) for lease in leases]
    store.settle_all(ended[:-1])
    assert waiting_on(store, dependent) == 1
    store.settle_all(ended[-1:])
    assert store.statuses(dependent) == ["pending"]


def test_a_fan_out_is_released_at_once(store):
    parent = store.add()
    dependents = [store.add(after=[parent]) for _ in range(20)]
    store.finish(parent, Completed())
    assert set(store.statuses(*dependents)) == {"pending"}


def test_a_diamond_runs_its_last_task_once_after_both_sides(store):
    top = store.add()
    left, right = store.add(after=[top]), store.add(after=[top])
    bottom = store.add(after=[left, right])
    store.finish(top, Completed())
    store.finish(left, Completed())
    assert store.statuses(bottom) == ["blocked"]
    store.finish(right, Completed())
    assert store.statuses(bottom) == ["pending"]


@pytest.mark.parametrize(
    ("outcome", "said"), [(BROKEN, "failed"), (Cancelled("enough"), "was cancelled")]
)
def test_a_dependent_is_cancelled_and_says_which_parent(store, outcome, said):
    parent = store.add()
    dependent = store.add(after=[parent])
    settlement = store.finish(parent, outcome)
    task = store.get(dependent)
    assert (task.status, task.finished_at) == ("cancelled", store.now)
    assert task.error == f"task {parent}, which it depends on, {said}"
    assert settlement.cancelled_dependents == [(dependent, parent)]


def test_a_chain_is_cancelled_and_each_names_its_own_parent(store):
    first = store.add()
    second = store.add(after=[first])
    third = store.add(after=[second])
    settlement = store.finish(first, BROKEN)
    assert settlement.cancelled_dependents == [(second, first), (third, second)]
    assert store.get(third).error == f"task {second}, which it depends on, was cancelled"


def test_a_diamond_is_cancelled_once(store):
    top = store.add()
    left, right = store.add(after=[top]), store.add(after=[top])
    bottom = store.add(after=[left, right])
    settlement = store.finish(top, BROKEN)
    assert sorted(child for child, _ in settlement.cancelled_dependents) == [left, right, bottom]


def test_one_failed_parent_cancels_while_others_are_open(store):
    bad, still_open = store.add(), store.add()
    dependent = store.add(after=[bad, still_open])
    store.finish(bad, BROKEN)
    assert store.statuses(dependent) == ["cancelled"]
    store.finish(still_open, Completed())
    assert store.statuses(dependent) == ["cancelled"]


@pytest.mark.parametrize("outcome", [Completed(), BROKEN, Cancelled("enough")])
def test_a_dependent_that_runs_anyway_is_released_by_any_end(store, outcome):
    parent = store.add()
    dependent = store.add(after_any=[parent])
    store.finish(parent, outcome)
    assert store.statuses(dependent) == ["pending"]


def test_a_dependent_that_runs_anyway_is_released_below_a_cancelled_one(store):
    parent = store.add()
    doomed = store.add(after=[parent])
    cleanup = store.add(after_any=[doomed])
    both = store.add(after_any=[doomed, parent])
    store.finish(parent, BROKEN)
    assert store.statuses(doomed, cleanup, both) == ["cancelled", "pending", "pending"]


def test_edges_of_both_kinds_count_together(store):
    needed, any_end, last = store.add(), store.add(), store.add()
    dependent = store.add(after=[needed, last], after_any=[any_end])
    store.finish(any_end, BROKEN)
    assert waiting_on(store, dependent) == 2
    store.finish(needed, Completed())
    store.finish(last, Completed())
    assert store.statuses(dependent) == ["pending"]


def test_parents_that_complete_and_fail_in_one_settlement_are_told_apart(store):
    good, bad = store.add(), store.add()
    needs_both = store.add(after=[good, bad])
    runs_anyway = store.add(after=[good], after_any=[bad])
    first, second = store.claim(limit=2)
    store.settle_all(
        [
            store.ended(first, Completed()),
            store.ended(second, BROKEN),
        ]
    )
    assert store.statuses(needs_both, runs_anyway) == ["cancelled", "pending"]


def test_a_retry_releases_nobody(store):
    parent = store.add()
    dependents = [store.add(after=[parent]), store.add(after_any=[parent])]
    store.settle(store.claim_one(), Failed("broken"))
    assert store.statuses(*dependents) == ["blocked", "blocked"]


def test_a_parent_that_ends_again_after_a_retry_is_not_counted_twice(store):
    twice, other = store.add(), store.add()
    dependent = store.add(after=[other], after_any=[twice])
    store.finish(twice, BROKEN)
    store.retry(twice)
    assert store.problems() == []
    store.finish(twice, Completed())
    assert store.statuses(dependent) == ["blocked"]
    store.finish(other, Completed())
    assert store.statuses(dependent) == ["pending"]


def test_dependents_that_have_ended_stay_as_they_are_when_a_parent_fails(store):
    parent = store.add()
    by_hand, cancelled = store.add(after=[parent]), store.add(after=[parent])
    store.cancel(by_hand)
    store.finish(parent, Failed("broken", retryable=False))
    before = store.get(by_hand), store.get(cancelled)
    store.later(1)
    store.retry(parent)
    settlement = store.finish(parent, Failed("again", retryable=False))
    assert settlement.cancelled_dependents == []
    assert (store.get(by_hand), store.get(cancelled)) == before
    assert before[0].error == "cancelled on request"


def test_a_chain_of_2000_is_cancelled_in_bounded_time(store):
    chain = [NewTask(function="link")]
    for _ in range(1999):
        chain.append(NewTask(function="link", after=[chain[-1]]))
    cleanup = NewTask(function="cleanup", after_any=[chain[-1]])
    ids = store.enqueue(*chain, cleanup)
    before = time.monotonic()
    settlement = store.finish(ids[0], BROKEN)
    assert time.monotonic() - before < 10  # on a busy machine; it takes less than one
    assert len(settlement.cancelled_dependents) == 1999
    assert store.statuses(ids[-1]) == ["pending"]


def test_a_fan_out_is_released_by_its_ids(store):
    """Where it were joined with its edges, a server might go through all blocked tasks for each."""
    parent = store.add()
    children = store.enqueue(*[NewTask(function="work", after=[parent]) for _ in range(600)])
    completed = {parent: Status.COMPLETED}
    planned = plans(store, settle_dependents, completed, now=store.now, could=True)
    updates = [one for one in planned if one.statement.startswith("UPDATE")]
    assert len(updates) == 2  # two chunks
    assert {step.table for one in updates for step in one.steps} == {"tasks"}
    assert not any(step.is_whole for one in updates for step in one.steps)
    assert set(store.statuses(*children)) == {"pending"}
