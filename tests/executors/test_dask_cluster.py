"""What Dask does not answer is told as such; what it answers says how an order ended."""

import asyncio
from types import SimpleNamespace

import pytest

from jobrunner.core.outcome import Crashed, Released
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors import dask_cluster
from jobrunner.runtime.executors.dask_cluster import Cluster
from jobrunner.runtime.executors.dask_places import Place
from jobrunner.testing import executor_functions as f

PLACE = Place("tcp://there:1", "process", threads=1)


async def forever(*_, **__):
    await asyncio.Event().wait()


async def fail(*_, **__):
    raise RuntimeError("the comm is closed")


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(dask_cluster, "ANSWER_WITHIN", 0.01)


@pytest.mark.parametrize("answer", [forever, fail])
def test_a_stop_that_nobody_answers_is_told(order, answer):
    cluster = Cluster(SimpleNamespace(run=answer), "the scheduler")
    told = cluster.stop(order(f.add, 1, 2), PLACE, StopReason.NOW, force=True)
    assert not asyncio.run(told)


@pytest.mark.parametrize(("answer", "why"), [(forever, "no answer for"), (fail, "comm is closed")])
def test_a_hello_that_nobody_answers_is_told(answer, why):
    cluster = Cluster(SimpleNamespace(run=answer), "the scheduler")
    assert why in str(asyncio.run(cluster.hello("tcp://there:1")))


@pytest.mark.parametrize(
    ("story", "left", "outcome"),
    [
        ([("waiting", "processing")], [], Released),
        ([("waiting", "processing"), ("processing", "erred")], ["erred"], Released),
        ([("waiting", "processing"), ("processing", "released")], [], Crashed),
        (
            [("processing", "released"), ("waiting", "processing"), ("processing", "erred")],
            ["erred"],
            Crashed,
        ),
        (
            [("processing", "memory"), ("memory", "released"), ("processing", "erred")],
            ["erred"],
            Crashed,
        ),
    ],
    ids=["sent", "refused", "died with it", "then another refused it", "its result was lost"],
)
def test_an_order_that_no_dask_worker_died_with_did_not_begin(order, story, left, outcome):
    async def tell(**_):
        return [("key", before, after, {}, "why", 0.0) for before, after in story]

    client = SimpleNamespace(scheduler=SimpleNamespace(get_story=tell))
    ended = Cluster(client, "the scheduler").after_death(order(f.add, 1, 2), PLACE, *left)
    assert isinstance(asyncio.run(ended), outcome)


def test_an_order_is_a_crash_where_the_scheduler_does_not_say(order):
    client = SimpleNamespace(scheduler=SimpleNamespace(get_story=forever))
    ended = Cluster(client, "the scheduler").after_death(order(f.add, 1, 2), PLACE)
    assert isinstance(asyncio.run(ended), Crashed)
