"""The Dask executor takes an address, keeps its loop's books, and says nothing itself."""

import asyncio
import logging
from types import SimpleNamespace

import pytest

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.outcome import Completed, Lost, Released
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors import dask, remote
from jobrunner.runtime.executors.dask import DaskExecutor
from jobrunner.runtime.executors.dask_places import Place
from jobrunner.runtime.executors.dask_site import OtherDatabaseError
from jobrunner.testing import executor_functions as f


@pytest.mark.parametrize(
    "address", ["", "foo", "localhost:", "tcp://localhost", "http://host:8786", "tcp://a:1/x"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigurationError, match="is not the address") as caught:
        DaskExecutor(address=address)
    assert "tcp://host:8786" in caught.value.hint


@pytest.mark.parametrize(
    "address", ["tcp://host:8786", "tls://10.0.0.1:1", "host:1", "tcp://[::1]:1"]
)
def test_what_is_an_address_is_taken(address):
    DaskExecutor(address=address)


class Cluster:
    """Runs an order as a test says, and answers a stop or not."""

    def __init__(self, *, ends=None, answers=True):
        self.ends = ends
        self.answers = answers

    async def run(self, order, place):
        if self.ends is None:
            await asyncio.Event().wait()
        if isinstance(self.ends, Exception):
            raise self.ends
        return self.ends

    async def workers(self):
        return {}

    async def after_death(self, order, place):
        await asyncio.Event().wait()

    async def stop(self, order, place, reason, *, force):
        return self.answers


@pytest.fixture
def executor(monkeypatch):
    """It is connected, and has one Dask worker with one thread."""
    monkeypatch.setattr(remote, "LET_GO_AFTER", 0.0)
    executor = DaskExecutor(address="tcp://host:8786")
    executor._client = SimpleNamespace(status="running")
    executor._connected = True
    executor._wake = lambda: None
    executor._places.at["a"] = Place("a", "process", threads=1, folder="/1")
    return executor


async def turn():
    """Let the loop do what is to be done now."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_soon(done.set_result, None)
    await done


def run(*calls):
    """Make calls in a loop, and let what each begins go on until nothing is to be done."""

    async def go():
        for call in calls:
            call()
            for _ in range(20):
                await turn()

    asyncio.run(go())


def test_an_order_that_waits_is_given_back_by_any_stop(executor, order):
    executor._cluster = Cluster()
    running, waiting = order(f.add, 1, 2), order(f.add, 3, 4)
    run(
        lambda: executor._place(running),
        lambda: executor._place(waiting),
        lambda: executor._stop(waiting, StopReason.CANCEL, force=False),
    )
    assert list(executor.poll()) == [(waiting, Released())]


@pytest.mark.parametrize("answers", [True, False])
def test_who_does_not_answer_a_stop_gets_nothing_more(executor, order, answers):
    executor._cluster = Cluster(answers=answers)
    running = order(f.add, 1, 2)
    run(
        lambda: executor._place(running),
        lambda: executor._stop(running, StopReason.NOW, force=True),
    )
    assert list(executor.poll()) == [(running, Released())]
    assert executor._room() == (1 if answers else 0)


def test_who_serves_another_database_gives_an_order_back_and_gets_no_more(executor, order):
    executor._cluster = Cluster(ends=OtherDatabaseError())
    refused = order(f.add, 1, 2)
    run(lambda: executor._place(refused))
    assert list(executor.poll()) == [(refused, Released())]
    assert executor._room() == 0


def test_an_order_that_waited_starts_when_there_is_room(executor, order):
    executor._cluster = Cluster(ends=Completed("3"))
    orders = [order(f.add, 1, 2) for _ in range(3)]
    run(*(lambda order=order: executor._place(order) for order in orders))
    assert [ended for ended, _ in executor.poll()] == orders


def test_an_order_is_lost_with_the_scheduler_while_the_end_of_its_worker_is_looked_into(
    executor, order
):
    executor._cluster = Cluster()
    running, looking = order(f.add, 1, 2), []

    def look():
        looking.append(asyncio.create_task(executor._look()))

    def leave():
        looking[0].cancel()
        executor._connected = False
        executor._leave()

    run(lambda: executor._place(running), look, leave)
    ((ended, outcome),) = executor.poll()
    assert ended == running
    assert isinstance(outcome, Lost)


def test_dask_prints_nothing_while_it_is_used():
    logger = logging.getLogger("distributed.client")
    before = logger.level
    with dask._quiet():
        assert not logger.isEnabledFor(logging.ERROR)
        assert not logging.getLogger("distributed.comm.tcp").isEnabledFor(logging.ERROR)
    assert logger.level == before
