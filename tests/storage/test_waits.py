"""An event that comes while its wait is being settled is not missed, and old ones are forgotten."""

import threading
from datetime import timedelta

import pytest

from jobrunner.core.outcome import Completed, Waiting
from jobrunner.storage import sent
from jobrunner.storage.settle import settle
from tests.storage.conftest import backoff

HOUR = timedelta(hours=1)


def wait(store, lease, *, until=None):
    return store.settle(lease, Waiting("approved", store.now, until))


def send(store, **options):
    named = {"task_id": None, "now": store.now} | options
    return store.write(sent.send, "approved", '"yes"', **named)


def test_a_wait_gives_the_attempt_back_and_is_noted(store):
    task = store.add()
    wait(store, store.claim_one(), until=store.now + HOUR)
    assert store.get(task).attempt == 0
    assert store.get(task).run_at == store.now + HOUR
    assert store.history(task) == ["waiting"]
    assert store.sql("SELECT name, task_id FROM event_waits") == [("approved", task)]


def test_an_event_that_came_since_the_look_makes_it_due(store):
    task = store.add()
    lease = store.claim_one()
    assert send(store) == 0
    wait(store, lease, until=store.now + HOUR)
    assert store.get(task).run_at == store.now


def test_a_wait_without_a_lease_is_not_noted(store):
    store.add()
    lease = store.claim_one()
    store.settle(lease, Completed())
    before = store.everything()
    settlement = wait(store, lease)
    assert [end.lease for end in settlement.refused] == [lease]
    assert store.everything() == before
    assert store.sql("SELECT * FROM event_waits") == []


def test_an_event_wakes_only_who_waits_for_it(store):
    waiting, other, delayed = store.add(), store.add(), store.add(delay=HOUR)
    wait(store, store.claim_one())
    store.settle(store.claim_one(), Waiting("paid", store.now))
    store.later(1)
    assert send(store) == 1
    assert store.get(waiting).run_at == store.now
    assert store.get(other).run_at > store.now + HOUR
    assert store.get(delayed).run_at > store.now


@pytest.mark.parametrize("first", ["settle", "send"])
def test_whoever_is_second_sees_the_first(store, first):
    """On a server both transactions are open at once; in a file one waits for its turn."""
    task = store.add()
    lease = store.claim_one()
    began, goes_on = threading.Event(), threading.Event()

    def settling(transaction):
        ended = [store.ended(lease, Waiting("approved", store.now))]
        settle(transaction, ended, worker_id="ada", now=store.now, backoff=backoff)
        hold(first == "settle")

    def sending(transaction):
        sent.send(transaction, "approved", "1", task_id=None, now=store.now)
        hold(first == "send")

    def hold(mine):
        if mine:
            began.set()
            goes_on.wait(0.3)

    one, two = (settling, sending) if first == "settle" else (sending, settling)
    threads = [threading.Thread(target=store.write, args=[call]) for call in (one, two)]
    threads[0].start()
    began.wait(30)
    threads[1].start()
    for thread in threads:
        thread.join(30)
    assert store.get(task).run_at == store.now


def test_a_wait_and_its_event_at_once_never_miss_each_other(store):
    for _ in range(25):
        task = store.add()
        lease = store.claim_one()
        threads = [
            threading.Thread(target=wait, args=[store, lease]),
            threading.Thread(target=send, args=[store], kwargs={"task_id": task}),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert store.get(task).run_at == store.now
        store.sql("DELETE FROM event_waits")
        store.cancel(task)


def test_events_are_forgotten_after_a_week(store):
    send(store)
    store.later(3600)
    store.write(sent.send, "paid", None, task_id=None, now=store.now)
    assert store.write(sent.prune, now=store.now + 7 * 24 * HOUR) == 1
    assert [one.name for one in store.read(sent.every, limit=9)] == ["paid"]
