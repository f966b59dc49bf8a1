"""Progress and checkpoints, fenced like every write of an attempt."""

from functools import partial

import pytest

from jobrunner.core.outcome import Completed, Released
from jobrunner.core.task import Progress
from jobrunner.storage import progress


def save(store, lease, **values):
    return store.write(progress.save, lease.task_id, lease.token, now=store.now, **values)


def test_progress_is_shown_as_it_was_last_saved(store):
    task_id = store.add()
    assert store.get(task_id).progress is None
    lease = store.claim_one()
    assert save(store, lease, done=1, total=4, note="one")
    assert store.get(task_id).progress == Progress(1, 4, "one")
    assert save(store, lease, done=2.5)
    assert store.get(task_id).progress == Progress(2.5, 4, "one")


def test_a_checkpoint_comes_back_to_the_next_attempt(store):
    task_id = store.add()
    assert store.read(progress.checkpoint, task_id) is None
    lease = store.claim_one()
    save(store, lease, checkpoint='{"at":7}')
    save(store, lease, done=3)
    store.settle(lease, Released())
    assert store.read(progress.checkpoint, store.claim_one().task_id) == '{"at":7}'


def test_a_checkpoint_alone_shows_no_progress(store):
    task_id = store.add()
    save(store, store.claim_one(), checkpoint="1")
    assert store.get(task_id).progress is None


@pytest.mark.parametrize("saved_before", [False, True])
@pytest.mark.parametrize("outcome", [Released(), Completed()])
def test_progress_of_a_lost_lease_writes_nothing(store, outcome, saved_before):
    store.add()
    lease = store.claim_one()
    if saved_before:
        save(store, lease, done=1)
    store.settle(lease, outcome)
    store.claim()
    before = store.everything()
    assert save(store, lease, done=9, checkpoint="9") is False
    assert store.everything() == before


def test_a_token_opens_only_its_own_task(store):
    store.add()
    store.add()
    mine, other = store.claim_one(), store.claim_one()
    saving = partial(save, store, mine._replace(token=other.token), done=1)
    assert saving() is False
    save(store, mine, done=2)
    assert saving() is False


def test_leases_that_are_gone_are_told_from_those_that_hold(store):
    store.add()
    store.add()
    again, held = store.claim()
    store.settle(again, Released())
    anew = store.claim_one()
    assert anew.task_id == again.task_id
    assert store.read(progress.lost, [again, held, anew]) == [again]
    store.settle(held, Completed())
    assert store.read(progress.lost, [held]) == [held]
    assert store.read(progress.lost, []) == []
