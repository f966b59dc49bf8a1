"""What happens to tasks is told once, in order, as soon as it is seen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed, Released
from jobrunner.runtime.chronicle import Chronicle
from jobrunner.runtime.clock import SystemClock
from jobrunner.storage import chunks, deleting, happenings
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.types import micros
from tests.databases import on_a_server


@pytest.fixture
def chronicle(store):
    """Tells from now on."""
    return chronicle_of(store)


def chronicle_of(store, *, ago=0):
    there = SimpleNamespace(reading=store.database.reading, database=store.database)
    return Chronicle(there, SystemClock(), store.now - timedelta(seconds=ago))


def words(found):
    return [f"{one.transition.task_id} {one.transition.what}" for one in found]


def more(chronicle):
    return [word for part in chronicle.following() for word in words(part)]


def test_each_change_is_told_once_and_at_once(store, chronicle):
    chronicle.begin()
    parent, dependent = pair(store)
    assert more(chronicle) == ["1 enqueued", "2 enqueued"]
    lease, started_at = store.claim_one(), micros(store.now)
    assert more(chronicle) == ["1 started"]
    assert more(chronicle) == []
    store.later(1)
    store.settle(lease, Completed(), started_at=started_at)
    assert more(chronicle) == ["1 completed", "2 unblocked"]
    store.settle(store.claim_one(), Failed("no luck"))
    assert more(chronicle) == ["2 started", "2 failed"]
    store.cancel(dependent)
    store.write(deleting.delete, [parent, dependent], now=store.now)
    assert more(chronicle) == ["2 deleted", "1 deleted"]


def pair(store):
    parent = store.add()
    return parent, store.add(after=[parent])


def test_an_act_on_what_runs_does_not_tell_its_start_again(store, chronicle):
    chronicle.begin()
    task_id = store.add()
    lease = store.claim_one()
    assert more(chronicle) == ["1 enqueued", "1 started"]
    store.cancel(task_id)
    assert more(chronicle) == ["1 cancel_requested"]
    store.settle(lease, Released())
    assert more(chronicle) == ["1 released"]
    store.retry(task_id)
    store.claim_one()
    assert more(chronicle) == ["1 retried", "1 started"]


def test_what_was_before_is_not_told(store, chronicle):
    store.add(delay=timedelta(seconds=5))
    store.add()
    running = store.claim_one()
    store.later(10)
    chronicle = chronicle_of(store)
    chronicle.begin()
    assert more(chronicle) == []
    store.settle(running, Completed())
    assert more(chronicle) == ["2 started", "2 completed"]  # it takes no time in these tests


def test_more_than_a_page_is_told_in_parts(store, chronicle):
    chronicle.begin()
    number = chunks.CHUNK + 3
    store.enqueue(*[NewTask(function="work") for _ in range(number)])
    store.settle_all([store.ended(lease, Completed()) for lease in store.claim(limit=number)])
    parts = [words(part) for part in chronicle.following()]
    assert len(parts) == 2
    told = [word for part in parts for word in part]
    assert len(told) == len(set(told)) == 3 * number
    assert more(chronicle) == []


def test_the_newest_are_told_in_order_of_time(store):
    for _ in range(3):
        store.add()
        store.later(10)
    store.settle(store.claim_one(), Completed(), started_at=micros(store.now))
    store.claim_one()
    every = ["1 enqueued", "2 enqueued", "3 enqueued", "1 started", "1 completed", "2 started"]
    assert words(chronicle_of(store, ago=60).newest(100)) == every
    assert words(chronicle_of(store, ago=60).newest(4)) == every[2:]
    assert words(chronicle_of(store, ago=10).newest(100)) == every[2:]
    chronicle = chronicle_of(store, ago=60)
    chronicle.newest(100)
    assert more(chronicle) == []
    store.cancel(2)
    assert more(chronicle) == ["2 cancel_requested"]


def test_of_a_happening_the_name_and_the_queue_are_told(store, chronicle):
    chronicle.begin()
    store.add(queue="images", description="halve it")
    ((one,),) = chronicle.following()
    assert (one.name, one.queue) == ("halve it", "images")


def test_nothing_is_told_of_an_empty_place(store):
    assert store.read(happenings.here) == (0, 0, 0)
    assert chronicle_of(store, ago=60).newest(100) == []


@on_a_server
def test_what_is_committed_behind_something_newer_is_told_too(store, chronicle):
    chronicle.begin()
    with store.database.writing() as transaction, ThreadPoolExecutor(1) as other:
        enqueue(transaction, [NewTask(function="late")], now=store.now)
        early = other.submit(store.add).result()
        assert more(chronicle) == [f"{early} enqueued"]
    assert more(chronicle) == [f"{early - 1} enqueued"]
    assert more(chronicle) == []
