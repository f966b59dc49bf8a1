"""Orders go to Dask workers that have room; what must be alone has one kept for it."""

import pytest

from jobrunner.runtime.executors.dask_places import Place, Places
from jobrunner.testing import executor_functions as f


@pytest.fixture
def places():
    """Two Dask workers with three threads each."""
    places = Places()
    for address in ("tcp://a:1", "tcp://b:1"):
        places.at[address] = Place(address, "process", threads=3)
    return places


@pytest.fixture
def run(places):
    """Put an order into its place."""

    def put(order):
        place = places.take(order)
        if place is not None:
            place.orders[order] = None
        return place

    return put


def test_a_task_that_crashed_twice_gets_a_dask_worker_for_itself(order):
    place = Place("tcp://there:1", "process", threads=3)
    plain, pill = order(f.add, 1, 2), order(f.add, 1, 2, crashes=2)
    assert place.fits(plain)
    assert place.fits(pill)
    place.orders[plain] = None
    assert place.room == 2
    assert not place.fits(pill)
    place.orders = {pill: None}
    assert place.room == 0


@pytest.mark.parametrize("why", ["silent", "stale"])
def test_nothing_goes_to_a_dask_worker_that_is_silent_or_gone(places, order, why):
    setattr(places.at["tcp://a:1"], why, True)
    assert places.room == 3
    assert places.take(order(f.add, 1, 2)).address == "tcp://b:1"


def test_a_task_that_waits_to_be_alone_has_one_dask_worker_kept_and_leaves_the_others(
    places, order, run
):
    first, second = [run(order(f.add, n, 1)) for n in range(2)]
    pill = order(f.add, 1, 2, crashes=2)
    assert run(pill) is None
    assert places.room == 2
    kept, other = (first, second) if first.kept_for else (second, first)
    assert run(order(f.add, 3, 1)) is other
    assert places.room == 1
    kept.orders.clear()
    places.waiting.clear()
    assert run(pill) is kept
    assert (kept.kept_for, kept.room, places.room) == (None, 0, 1)


def test_as_many_wait_to_be_alone_as_there_are_dask_workers(places, order, run):
    for number in range(2):
        run(order(f.add, number, 1))
    for number in range(2):
        assert run(order(f.add, number, 2, crashes=2)) is None
    assert all(place.kept_for for place in places)
    assert places.room == 0


def test_a_task_that_waits_is_given_back(places, order, run):
    for number in range(2):
        run(order(f.add, number, 1))
    pill = order(f.add, 1, 2, crashes=2)
    run(pill)
    assert places.give_back(pill)
    assert not places.give_back(pill)
    assert places.room == 4


def test_a_dask_worker_that_falls_silent_is_kept_for_nobody(places, order, run):
    for number in range(2):
        run(order(f.add, number, 1))
    pill = order(f.add, 1, 2, crashes=2)
    run(pill)
    (kept,) = [place for place in places if place.kept_for]
    kept.silent = True
    places.waiting.clear()
    run(pill)
    assert [place.kept_for for place in places if place is not kept] == [pill]
    assert kept.kept_for is None
