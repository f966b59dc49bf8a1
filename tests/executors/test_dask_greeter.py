"""Each process of a Dask worker is met once; one that cannot run tasks is asked again later."""

import asyncio

import pytest

from jobrunner.runtime.executors import dask_greeter
from jobrunner.runtime.executors.dask_greeter import Greeter
from jobrunner.runtime.executors.dask_places import Places


class Cluster:
    """Answers what a test says, and notes who was asked."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    async def hello(self, address):
        self.asked.append(address)
        return self.answers[address]


@pytest.fixture
def places():
    return Places()


@pytest.fixture
def greeter(places):
    return Greeter(places)


def found(**folders):
    return {
        address: {"local_directory": folder, "nthreads": 1, "status": "running"}
        for address, folder in folders.items()
    }


def greet(greeter, cluster, seen, *, times=1):
    async def call():
        return [await greeter.greet(cluster, seen) for _ in range(times)][-1]

    return asyncio.run(call())


def test_another_process_at_an_address_takes_the_place_of_the_one_that_was(places, greeter):
    cluster = Cluster(a="first")
    greet(greeter, cluster, found(a="/1"))
    assert greeter.gone(found(a="/1")) == []
    assert greeter.gone(found(a="/2")) == [places.at.pop("a")]
    cluster.answers["a"] = "second"
    greet(greeter, cluster, found(a="/2"))
    assert [place.process for place in places] == ["second"]


def test_who_cannot_run_tasks_keeps_no_other_and_is_asked_again_later(places, greeter, monkeypatch):
    cluster = Cluster(a=TimeoutError("no answer"), b="there")
    assert greet(greeter, cluster, found(a="/1", b="/1"), times=3) == ""
    assert [place.address for place in places] == ["b"]
    assert sorted(cluster.asked) == ["a", "b"]
    monkeypatch.setattr(dask_greeter, "ASK_AGAIN_AFTER", 0.0)
    greet(greeter, cluster, found(a="/2", b="/1"), times=2)
    assert cluster.asked.count("a") == 3


def test_what_keeps_the_only_dask_worker_is_told(greeter):
    cluster = Cluster(a=ImportError("no jobrunner"))
    problem = greet(greeter, cluster, found(a="/1"), times=2)
    assert problem == "has a worker a that cannot run tasks: ImportError: no jobrunner"
    assert greet(greeter, cluster, found()) == "has no workers"


def test_who_serves_another_database_is_not_asked_again_until_it_is_another(
    places, greeter, monkeypatch
):
    monkeypatch.setattr(dask_greeter, "ASK_AGAIN_AFTER", 0.0)

    async def refuse():
        greeter.refuse("a", "/1", "it serves another database", again=False)

    asyncio.run(refuse())
    cluster = Cluster(a="there")
    assert "another database" in greet(greeter, cluster, found(a="/1"), times=2)
    assert cluster.asked == []
    assert greet(greeter, cluster, found(a="/2")) == ""


def test_who_was_silent_and_answers_has_its_place_back(places, greeter):
    cluster = Cluster(a="there")
    greet(greeter, cluster, found(a="/1"))
    (place,) = places
    place.silent = True
    assert greet(greeter, cluster, found(a="/1")) == ""
    assert [*places] == [place]
    assert not place.silent
