"""Batches: callbacks wait for all members, however they end, and a batch may grow until then."""

import threading
from datetime import timedelta

import pytest

from jobrunner.core.batch import BatchEndedError, BatchNotFoundError
from jobrunner.core.errors import InvalidTaskError, TaskStateError, UnknownParentError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.status import Status
from jobrunner.storage import batches
from jobrunner.storage.parents import NOTHING_FAILED
from jobrunner.storage.prune import prune

GOOD, BAD = Completed("1"), Failed("broken", retryable=False)
NAMES = ("on_success", "on_failure", "on_end")


def work(**fields):
    return NewTask(function="work", **fields)


def batch(store, members, *names, **callbacks):
    """Store a batch; its id, the ids of its members and those of its callbacks."""
    callbacks |= {name: work(description=name) for name in names}
    batch_id, rows = store.write(
        batches.create, members, callbacks, description="all", now=store.now
    )
    ids = [row["id"] for row in rows]
    return batch_id, ids[: len(members)], ids[len(members) :]


def read(store, batch_id):
    return store.read(batches.get, batch_id)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([GOOD, GOOD], ["pending", "cancelled", "pending"]),
        ([GOOD, BAD], ["cancelled", "pending", "pending"]),
        ([BAD, GOOD], ["cancelled", "pending", "pending"]),
        ([BAD, BAD], ["cancelled", "pending", "pending"]),
    ],
)
def test_callbacks_run_as_their_batch_has_ended(store, outcomes, expected):
    batch_id, (one, two), callbacks = batch(store, [work(), work()], *NAMES)
    assert store.statuses(*callbacks) == ["blocked"] * 3
    store.finish(one, outcomes[0])
    open_still = ["blocked" if outcomes[0] is GOOD else "cancelled", "blocked", "blocked"]
    assert store.statuses(*callbacks) == open_still
    assert not read(store, batch_id).ended
    store.finish(two, outcomes[1])
    assert store.statuses(*callbacks) == expected
    assert (found := read(store, batch_id)).ended
    assert (found.on_success, found.on_failure, found.on_end) == tuple(callbacks)
    assert sum(found.tasks.values()) == 2
    assert store.get(one).batch_id == batch_id
    assert store.get(callbacks[0]).batch_id is None


def test_both_ends_in_one_settlement_count(store):
    _, _, callbacks = batch(store, [work(), work(), work()], *NAMES)
    leases = store.claim()
    outcomes = [GOOD, BAD, GOOD]
    store.settle_all([store.ended(*pair) for pair in zip(leases, outcomes, strict=True)])
    assert store.statuses(*callbacks) == ["cancelled", "pending", "pending"]


def test_nothing_failed_is_the_reason_and_ends_what_waits_for_it(store):
    _, (one,), (alarm,) = batch(store, [work()], "on_failure")
    below = store.add(after=[alarm])
    anyway = store.add(after_any=[alarm])
    deeper = store.add(after_any=[below])
    store.finish(one, GOOD)
    assert store.get(alarm).error == NOTHING_FAILED
    assert store.statuses(alarm, below, anyway, deeper) == [
        "cancelled",
        "cancelled",
        "pending",
        "pending",
    ]


def test_an_empty_batch_has_ended_well(store):
    batch_id, _, callbacks = batch(store, [], *NAMES)
    assert store.statuses(*callbacks) == ["pending", "cancelled", "pending"]
    with pytest.raises(BatchEndedError):
        store.write(batches.add, batch_id, [work()], now=store.now)


def test_a_member_that_can_never_run_counts_as_failed(store):
    bad = store.add()
    store.finish(bad, BAD)
    _, _, callbacks = batch(store, [work(after=[bad])], *NAMES)
    assert store.statuses(*callbacks) == ["cancelled", "pending", "pending"]


def test_a_callback_has_parents_and_a_time_of_its_own(store):
    other = store.add()
    later = work(after=[other], delay=timedelta(seconds=5))
    _, (one,), (alarm,) = batch(store, [work()], on_failure=later)
    store.finish(one, GOOD)
    assert store.statuses(alarm) == ["blocked"]
    store.finish(other, GOOD)
    assert store.statuses(alarm) == ["cancelled"]
    _, (one,), (alarm,) = batch(store, [work()], on_failure=work(delay=timedelta(seconds=5)))
    store.finish(one, BAD)
    assert store.statuses(alarm) == ["scheduled"]


def test_a_callback_gets_results_of_members_as_far_as_there_are(store):
    members = [work(), work()]
    _, (one, two), _ = batch(store, members, on_end=work(args=[members]))
    store.finish(one, Completed('{"a":1}'))
    store.finish(two, BAD)
    assert store.claim_one().args == '[[{"a":1},null]]'


def test_a_batch_is_all_or_nothing(store):
    before = store.everything()
    same = work()
    for members, callbacks in (
        ([work(after=[99])], {}),
        ([work()], {"on_end": work(after=[99])}),
        ([same], {"on_end": same}),
        ([work()], {"on_end": same, "on_success": same}),
        ([work(), 7], {}),
        ([work()], {"on_end": 7}),
    ):
        with pytest.raises((UnknownParentError, InvalidTaskError)):
            batch(store, members, **callbacks)
    assert store.everything() == before
    assert store.read(batches.find) == []


@pytest.mark.parametrize("bad", [GOOD, BAD])
def test_a_batch_grows_while_a_member_is_open(store, bad):
    batch_id, (one, two), callbacks = batch(store, [work(), work()], *NAMES)
    store.finish(one, bad)
    (three,) = [row["id"] for row in store.write(batches.add, batch_id, [work()], now=store.now)]
    assert store.problems() == []
    store.finish(two, GOOD)
    assert store.statuses(*callbacks[1:]) == ["blocked", "blocked"]
    store.finish(three, GOOD)
    well = ["pending", "cancelled", "pending"]
    assert store.statuses(*callbacks) == (well if bad is GOOD else ["cancelled", *well[::2]])
    assert store.get(three).batch_id == batch_id
    for refused in (batch_id, 99, 0, 2**70):
        with pytest.raises(BatchEndedError if refused == batch_id else BatchNotFoundError):
            store.write(batches.add, refused, [work()], now=store.now)


def test_a_batch_that_grows_by_what_can_never_run_has_failed(store):
    bad = store.add()
    store.finish(bad, BAD)
    batch_id, (one,), callbacks = batch(store, [work()], *NAMES)
    store.write(batches.add, batch_id, [work(after=[bad])], now=store.now)
    assert store.statuses(*callbacks) == ["cancelled", "blocked", "blocked"]
    store.finish(one, GOOD)
    assert store.statuses(*callbacks) == ["cancelled", "pending", "pending"]


def test_a_batch_whose_callbacks_have_run_does_not_grow(store):
    batch_id, (one,), (end,) = batch(store, [work()], "on_end")
    store.finish(one, BAD)
    store.retry(one)
    with pytest.raises(BatchEndedError):
        store.write(batches.add, batch_id, [work()], now=store.now)
    assert store.statuses(one, end) == ["pending", "pending"]


def test_a_retried_member_is_waited_for_again_where_somebody_waits_still(store):
    _, (one, two), (alarm, end) = batch(store, [work(), work()], "on_failure", "on_end")
    store.finish(one, BAD)
    store.retry(one)
    again = store.claim_one()
    store.finish(two, GOOD)
    assert store.statuses(alarm, end) == ["blocked", "blocked"]
    store.settle(again, GOOD)
    assert store.statuses(alarm, end) == ["cancelled", "pending"]


def test_a_callback_that_is_called_for_already_stays_so(store):
    _, (one, two), (alarm,) = batch(store, [work(), work()], "on_failure")
    store.settle_all([store.ended(lease, BAD) for lease in store.claim()])
    for member in (one, two):
        store.retry(member)
        store.finish(member, GOOD)
    assert store.statuses(alarm) == ["pending"]


def test_what_runs_only_after_a_failure_is_not_retried_without_one(store):
    _, (one,), (alarm,) = batch(store, [work()], "on_failure")
    store.finish(one, GOOD)
    with pytest.raises(TaskStateError, match="runs only if"):
        store.retry(alarm)


def test_a_batch_that_grows_while_it_ends_either_grows_or_has_ended(store):
    for _ in range(5):
        batch_id, _, callbacks = batch(store, [work()], *NAMES)
        lease = store.claim_one()
        said = []

        def grow(batch_id=batch_id, said=said):
            try:
                said.append(len(store.write(batches.add, batch_id, [work()], now=store.now)))
            except BatchEndedError:
                said.append(0)

        thread = threading.Thread(target=grow)
        thread.start()
        store.settle(lease, GOOD)
        thread.join(60)
        expected = ["blocked"] * 3 if said == [1] else ["pending", "cancelled", "pending"]
        assert store.statuses(*callbacks) == expected
        assert store.problems() == []
        store.sql("DELETE FROM tasks")


def test_batches_are_found_from_the_newest_on(store):
    ids = [batch(store, [work()])[0] for _ in range(3)]
    assert [found.id for found in store.read(batches.find, limit=2)] == ids[:0:-1]
    assert [found.id for found in store.read(batches.find, before=ids[1])] == ids[:1]
    assert read(store, ids[0]).tasks[Status.PENDING] == 1


def test_a_batch_is_forgotten_with_the_last_of_its_tasks(store):
    _, (one,), _ = batch(store, [work()])
    empty, _, (end,) = batch(store, [], "on_end")
    for task_id in (one, end):
        store.finish(task_id, GOOD)
    store.later(3600 * 24 * 8)
    assert store.read(batches.forgotten, now=store.now) == []
    store.write(prune, now=store.now)
    assert store.read(batches.forgotten, now=store.now) == [empty]
    store.write(batches.forget, [empty])
    assert store.read(batches.find) == []


def test_ten_thousand_members_end(store):
    _, _, callbacks = batch(store, [work() for _ in range(10_000)], *NAMES)
    leases = store.claim(limit=10_000)
    store.settle_all([store.ended(lease, GOOD) for lease in leases[:-1]])
    assert store.statuses(*callbacks) == ["blocked"] * 3
    store.settle_all([store.ended(leases[-1], GOOD)])
    assert store.statuses(*callbacks) == ["pending", "cancelled", "pending"]
