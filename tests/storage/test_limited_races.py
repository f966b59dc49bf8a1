"""Claims that race count one after the other, and a drain waits for those that were underway."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobrunner.core.control_errors import DrainTimeoutError
from jobrunner.core.task import WorkerId
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.draining import wait_until_idle
from jobrunner.runtime.identity import new_token
from jobrunner.runtime.rationing import Rationing
from jobrunner.storage import agenda
from tests.databases import on_a_server
from tests.storage.limiting import Limiting

RACERS = 6
ROUNDS = 10


@pytest.mark.parametrize("kind", ["key", "queue", "rate", "needs"])
def test_racing_claims_never_take_more_than_there_is(store, kind):
    limits = Limiting(store)
    fields = {}
    if kind == "key":
        fields = {"concurrency_key": "k"}
    elif kind == "queue":
        limits.limit_queue("default", concurrency=1)
    elif kind == "rate":
        limits.limit_queue("default", rate=(1, 3600))
    else:
        fields = {"needs": {"gpu": 1}}
    for _ in range(ROUNDS * RACERS):
        limits.add(**fields)
    racers = [Rationing(WorkerId("ada"), {"gpu": 1}, SystemClock()) for _ in range(RACERS)]
    for _ in range(ROUNDS):
        start = threading.Barrier(RACERS)

        def race(racer, start=start):
            start.wait()
            with store.database.writing() as transaction:
                return racer.claim(transaction, new_token(), [((), 1, 0)]).leases

        with ThreadPoolExecutor(RACERS) as threads:
            taken = [lease for found in threads.map(race, racers) for lease in found]
        assert len(taken) == 1
        store.sql("DELETE FROM rate_starts")
        store.sql("DELETE FROM tasks WHERE status = 'in_progress'")


@on_a_server  # in a file, nobody claims while somebody pauses
def test_a_drain_waits_for_claims_that_have_not_seen_the_pause(store):
    limits, clock = Limiting(store), SystemClock()
    looked, go_on = threading.Event(), threading.Event()

    def claim():
        with store.database.writing() as transaction:
            assert not agenda.look(transaction).limits
            looked.set()
            go_on.wait(20)

    with ThreadPoolExecutor(1) as thread:
        claiming = thread.submit(claim)
        looked.wait(20)
        limits.pause("default")
        with pytest.raises(DrainTimeoutError):
            wait_until_idle(store.database, "default", clock=clock, timeout=0.1)
        go_on.set()
        wait_until_idle(store.database, "default", clock=clock, timeout=20)
        claiming.result()
