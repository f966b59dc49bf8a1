"""Results of steps are stored under a lease, once each; results to be used again by their keys."""

from datetime import timedelta

import pytest

from jobrunner.core.outcome import Cached, Completed, Kept, Stored
from jobrunner.storage import cached, steps

DAY = timedelta(days=1)


def keep(store, lease, **results):
    fence = (lease.task_id, lease.token)
    return store.write(steps.keep, *fence, results=results, now=store.now)


def test_a_step_is_kept_with_its_result(store):
    store.add()
    lease = store.claim_one()
    assert keep(store, lease, first='"a"', second=None)
    assert store.read(steps.names, lease.task_id) == {"first", "second"}
    assert store.read(steps.result, lease.task_id, "first") == '"a"'
    assert store.read(steps.result, lease.task_id, "second") is None


def test_a_step_that_is_there_already_is_written_again(store):
    """Of a COMMIT that raised and had worked all the same."""
    store.add()
    lease = store.claim_one()
    keep(store, lease, first="1")
    assert keep(store, lease, first="2")
    assert store.read(steps.result, lease.task_id, "first") == "2"


def test_without_a_lease_nothing_is_kept(store):
    store.add()
    lease = store.claim_one()
    store.settle(lease, Completed())
    assert not keep(store, lease, first="1")
    assert store.read(steps.names, lease.task_id) == set()


def test_a_lease_that_is_proved_cannot_be_lost_before_the_end(store):
    store.add()
    lease = store.claim_one()
    assert store.write(steps.hold, lease.task_id, lease.token) == "ada"
    assert store.write(steps.hold, lease.task_id, lease.token + 1) is None


def test_who_has_settled_itself_is_not_refused(store):
    task = store.add()
    lease = store.claim_one()
    store.settle(lease, Completed("1"))
    before = store.everything()
    settlement = store.settle(lease, Stored("1"))
    assert settlement.refused == []
    assert [end.lease for end, _ in settlement.settled] == [lease]
    assert store.everything() == before
    assert store.history(task) == ["completed"]


def test_a_result_is_kept_for_equal_tasks_and_its_use_is_noted(store):
    store.add()
    store.settle(store.claim_one(), Kept("1", "key", '{"a":"b"}'))
    assert store.read(cached.find, "key") == ("1", '{"a":"b"}')
    assert store.read(cached.find, "another") is None
    store.later(60)
    task = store.add()
    store.settle(store.claim_one(), Cached("1", "key"))
    assert store.history(task) == ["cached"]
    assert store.get(task).returned == 1
    ((stored, used),) = store.sql("SELECT stored_at, used_at FROM cached_results")
    assert used - stored == 60_000_000


def test_the_newest_result_of_a_key_counts(store):
    for result in ("1", "2"):
        store.add()
        store.settle(store.claim_one(), Kept(result, "key"))
    assert store.read(cached.find, "key") == ("2", None)


def test_a_result_of_a_lost_lease_is_not_kept(store):
    store.add()
    lease = store.claim_one()
    store.settle(lease, Completed())
    store.settle(lease, Kept("1", "key"))
    assert store.read(cached.find, "key") is None


@pytest.mark.parametrize(("days", "gone"), [(29, 0), (31, 1)])
def test_a_result_that_nobody_uses_is_forgotten(store, days, gone):
    store.add()
    store.settle(store.claim_one(), Kept("1", "key"))
    assert store.write(cached.prune, now=store.now + days * DAY) == gone
