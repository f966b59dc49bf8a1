"""What is said to workers stands in their rows: from the commit on it holds, for crews for ever."""

import pytest

from jobrunner.core.control_errors import WorkerNotFoundError
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.task import WorkerId
from jobrunner.storage import crews, workers


@pytest.fixture
def tell(store):
    def say(word, who, *, crew=False, **named):
        return store.write(crews.tell, word, who, crew=crew, **named)

    return say


def row(store, worker_id):
    return store.read(workers.every, [WorkerId(worker_id)])[0]


def test_from_the_commit_of_a_pause_on_its_worker_gets_nothing(store, tell):
    task_id = store.add()
    tell(crews.pause, "ada", now=store.now)
    assert store.claim() == []
    tell(crews.resume, "ada")
    assert [lease.task_id for lease in store.claim()] == [task_id]


def test_a_pause_keeps_its_first_moment(store, tell):
    first = store.now
    tell(crews.pause, "ada", now=store.now)
    store.later(5)
    tell(crews.pause, "ada", now=store.now)
    assert row(store, "ada").paused_at == first


def test_a_crew_is_all_that_have_its_name_and_live(store, tell):
    for name in ("bob", "cid"):
        store.worker(name, crew="night")
    store.lose("cid")
    told = tell(crews.pause, "night", now=store.now)
    assert [worker.id for worker in told.workers] == ["bob"]
    assert [crew.name for crew in told.crews] == ["night"]
    assert row(store, "ada").paused_at is None


def test_who_registers_later_finds_what_was_said(store, tell):
    tell(crews.pause, "night", crew=True, now=store.now)
    tell(crews.resize, "night", crew=True, concurrency=7)
    crew = store.read(crews.settings, "night")
    assert (crew.paused_at, crew.concurrency) == (store.now, 7)
    assert store.read(crews.settings, "day").concurrency is None


def test_a_crew_that_nothing_is_said_of_has_no_row(store, tell):
    tell(crews.pause, "night", crew=True, now=store.now)
    tell(crews.resize, "night", crew=True, concurrency=7)
    tell(crews.resume, "night")
    assert [crew.name for crew in store.read(crews.every)] == ["night"]
    tell(crews.resize, "night", concurrency=None)
    assert store.read(crews.every) == []
    with pytest.raises(WorkerNotFoundError):
        tell(crews.resume, "night")


def test_a_whole_id_is_taken_before_those_that_begin_with_it(store, tell):
    store.worker("adam")
    assert [one.id for one in tell(crews.pause, "ada", now=store.now).workers] == ["ada"]
    with pytest.raises(ConfigurationError, match="beginning of 2"):
        tell(crews.pause, "ad", now=store.now)


def test_the_name_of_a_crew_is_taken_before_an_id(store, tell):
    store.worker("bob", crew="ada")
    assert [one.id for one in tell(crews.pause, "ada", now=store.now).workers] == ["bob"]


def test_orders_are_read_at_one_look(store, tell):
    first, second = store.add(), store.add()
    store.claim()
    store.cancel(first)
    store.cancel(second)
    tell(crews.pause, "ada", now=store.now)
    tell(crews.resize, "ada", concurrency=3)
    tell(crews.stop, "ada", now=store.now)
    orders = store.read(crews.orders, WorkerId("ada"))
    assert orders[:3] == (store.now, 3, store.now)
    assert set(orders.cancels) == {first, second}
    assert store.read(crews.orders, WorkerId("nobody")) is None


def test_what_a_worker_has_in_hand_is_known(store):
    ids = [store.add(), store.add()]
    store.claim()
    assert store.read(crews.held, [WorkerId("ada"), WorkerId("bob")]) == ids
    assert store.read(crews.running) == {"ada": 2}
