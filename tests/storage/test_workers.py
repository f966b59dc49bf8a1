"""The workers' rows: life is shown by a counter, and lost is lost."""

import pytest

from jobrunner.core.outcome import Completed
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerStatus
from jobrunner.storage import workers

ADA = WorkerId("ada")


def info(store, name="ada"):
    (found,) = store.read(workers.every, [WorkerId(name)])
    return found


def call(store, function, **options):
    return store.write(function, ADA, now=store.now, **options)


def test_a_worker_is_read_back_as_it_was_registered(store):
    store.worker("bob", queues=("a", "b"), concurrency=4, pid=77, executor="process")
    bob = info(store, "bob")
    assert (bob.queues, bob.concurrency, bob.pid, bob.executor) == (("a", "b"), 4, 77, "process")
    assert (bob.status, bob.beat, bob.started_at) == (WorkerStatus.RUNNING, 0, store.now)
    assert (bob.stopped_at, bob.error) == (None, None)


def test_a_beat_raises_the_counter(store):
    store.later(5)
    assert call(store, workers.beat)
    assert call(store, workers.beat)
    assert (info(store).beat, info(store).seen_at) == (2, store.now)


def test_a_stopping_worker_still_beats_and_is_alive(store):
    assert call(store, workers.set_stopping)
    assert call(store, workers.beat)
    assert [worker.id for worker in store.read(workers.alive)] == [ADA]
    assert info(store).status is WorkerStatus.STOPPING


def test_a_stopped_worker_is_not_alive(store):
    assert call(store, workers.set_stopped)
    assert store.read(workers.alive) == []
    assert (info(store).status, info(store).stopped_at) == (WorkerStatus.STOPPED, store.now)


def test_a_silent_worker_is_declared_lost(store):
    last_seen = store.now
    store.later(30)
    assert call(store, workers.declare_lost, seen_beat=0, reason="signal 9")
    lost = info(store)
    assert (lost.status, lost.error, lost.stopped_at) == (WorkerStatus.LOST, "signal 9", store.now)
    assert lost.seen_at == last_seen
    assert store.read(workers.alive) == []


def test_a_worker_whose_beat_moved_is_not_declared_lost(store):
    call(store, workers.beat)
    assert call(store, workers.declare_lost, seen_beat=0, reason="silent") is False
    assert info(store).status is WorkerStatus.RUNNING


@pytest.mark.parametrize("step", [workers.beat, workers.set_stopping, workers.set_stopped])
def test_a_lost_worker_is_told_and_changes_nothing(store, step):
    call(store, workers.declare_lost, seen_beat=0, reason="silent")
    before = info(store)
    store.later(1)
    assert call(store, step) is False
    assert info(store) == before


def test_a_worker_is_declared_lost_once(store):
    assert call(store, workers.declare_lost, seen_beat=0, reason="silent")
    assert call(store, workers.declare_lost, seen_beat=0, reason="again") is False
    assert info(store).error == "silent"


def test_a_stopped_worker_is_not_declared_lost(store):
    call(store, workers.set_stopped)
    assert call(store, workers.declare_lost, seen_beat=0, reason="silent") is False
    assert call(store, workers.beat) is False


def test_workers_are_listed_oldest_first(store):
    store.later(1)
    store.worker("aaa")
    assert [worker.id for worker in store.read(workers.every)] == ["ada", "aaa"]


def test_a_worker_is_kept_as_long_as_an_attempt_as_old_as_itself(store):
    for name in ("bob", "eve", "kim"):
        store.worker(name)
    store.write(workers.set_stopped, WorkerId("eve"), now=store.now)
    store.later(1)
    task = store.add()
    store.settle(store.claim_one("bob"), Completed(), worker="bob")
    store.write(workers.set_stopped, WorkerId("bob"), now=store.now)
    assert store.write(workers.prune, now=store.now) == 0
    store.later(workers.KEPT.total_seconds() + 1)
    assert store.write(workers.prune, now=store.now) == 1
    assert {worker.id for worker in store.read(workers.every)} == {"ada", "bob", "kim"}
    store.sql("DELETE FROM tasks WHERE id = :id", id=task)
    assert store.write(workers.prune, now=store.now) == 1
    assert {worker.id for worker in store.read(workers.every)} == {"ada", "kim"}


def test_a_worker_that_holds_a_task_is_never_pruned(store):
    store.worker("bob")
    store.add()
    lease = store.claim_one("bob")
    store.write(workers.set_stopped, WorkerId("bob"), now=store.now)
    store.later(workers.KEPT.total_seconds() + 1)
    assert store.write(workers.prune, now=store.now) == 0
    store.rescue("bob")
    assert store.write(workers.prune, now=store.now) == 1
    assert store.get(lease.task_id).status.value == "pending"
