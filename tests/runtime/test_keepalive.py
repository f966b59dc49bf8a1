"""The thread that shows life: it beats, hears cancels, and tells when the worker was lost."""

import contextlib
import threading

import pytest

from jobrunner import NewTask
from jobrunner.core.errors import DatabaseError
from jobrunner.core.events import WorkerTrouble
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.membership import Membership
from jobrunner.runtime.options import WorkerOptions
from jobrunner.storage import claim, workers
from tests.runtime.support import PATIENCE, until


@pytest.fixture
def lost():
    return threading.Event()


@pytest.fixture
def cancelled():
    return []


@pytest.fixture
def join(queue, lost, cancelled, events):
    """Join the queue as a worker that does nothing but live."""
    joined = []

    def join(**settings):
        membership = Membership(
            queue.database,
            WorkerOptions(**settings),
            clock=SystemClock(),
            emit=events,
            on_lost=lost.set,
            on_orders=lambda orders: cancelled.extend(orders.cancels),
        )
        joined.append(membership)
        return membership

    yield join
    for membership in joined:
        membership.leave()


def test_a_worker_beats(queue, join):
    join(heartbeat=0.1, lost_after=10)
    until(queue, lambda: queue.workers()[0].beat >= 2)


def test_a_worker_that_was_declared_lost_is_told(queue, join, lost):
    member = join(heartbeat=0.1)

    def declare():  # a beat in between saves it
        with queue.database.writing() as transaction:
            beat = workers.every(transaction)[0].beat
            return workers.declare_lost(
                transaction, member.id, seen_beat=beat, reason="test", now=queue.clock.now()
            )

    until(queue, declare)
    assert lost.wait(PATIENCE)


def test_cancels_of_running_tasks_are_heard(queue, join, cancelled):
    member = join()
    task = queue.enqueue(NewTask(function="add"))
    with queue.database.writing() as transaction:
        claim.claim(transaction, worker_id=member.id, token=1, limit=1, now=queue.clock.now())
    queue.cancel(task.id)
    until(queue, lambda: cancelled)
    assert set(cancelled) == {task.id}
    with queue.database.writing() as transaction:
        from jobrunner.runtime.identity import backoff
        from jobrunner.storage import sweep

        sweep.rescue(transaction, member.id, reason="test", now=queue.clock.now(), backoff=backoff)


def test_a_worker_that_cannot_beat_in_time_must_assume_that_it_is_lost(
    queue, join, lost, events, monkeypatch
):
    @contextlib.contextmanager
    def broken():
        raise DatabaseError("the disk is gone")
        yield

    join(heartbeat=0.2, lost_after=1.0)
    monkeypatch.setattr(queue.database, "writing", broken)
    assert lost.wait(PATIENCE)
    assert events.of(WorkerTrouble, problem="the disk is gone")
    monkeypatch.undo()


def test_trouble_that_passes_is_survived(queue, join, lost, events, monkeypatch):
    reading = queue.database.reading
    failures = iter([DatabaseError("busy"), DatabaseError("busy")])

    @contextlib.contextmanager
    def shaky():
        for failure in failures:
            raise failure
        with reading() as transaction:
            yield transaction

    join(heartbeat=0.2, lost_after=20)
    monkeypatch.setattr(queue.database, "reading", shaky)
    events.wait(WorkerTrouble, problem="busy")
    monkeypatch.undo()
    beat = queue.workers()[0].beat
    until(queue, lambda: queue.workers()[0].beat > beat + 1)
    assert not lost.is_set()


def test_an_error_that_nobody_foresaw_does_not_leave_a_worker_without_a_heartbeat(
    queue, join, lost, monkeypatch
):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    member = join()

    @contextlib.contextmanager
    def impossible():
        raise ZeroDivisionError
        yield

    monkeypatch.setattr(queue.database, "reading", impossible)
    assert lost.wait(PATIENCE)
    member._keepalive.stop()
    monkeypatch.undo()
