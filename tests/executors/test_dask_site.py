"""A Dask worker begins an order once, for one database, in the process that it is meant for."""

import contextlib
import threading

import pytest

from jobrunner.core.outcome import Completed, Lost
from jobrunner.runtime.executors import dask_site
from jobrunner.testing import executor_functions as f
from tests.runtime.support import PATIENCE


@pytest.fixture(autouse=True)
def _new_process(monkeypatch):
    monkeypatch.setattr(dask_site, "_begun", {})
    monkeypatch.setattr(dask_site, "_served", set())


def test_a_dask_worker_begins_an_order_once(order):
    mine = order(f.add, 1, 2)
    assert dask_site.run_once(mine, dask_site.hello()) == Completed("3")
    assert dask_site.run_once(mine, dask_site.hello()) == Lost("Dask has lost its result")


def test_a_dask_worker_begins_no_order_of_the_one_that_had_its_address(order):
    with pytest.raises(dask_site.OtherProcessError):
        dask_site.run_once(order(f.add, 1, 2), "another process")


def test_a_dask_worker_serves_one_database(order):
    other = order(f.add, 1, 2, at="postgresql://ada:secret@host/jobs")
    dask_site.run_once(order(f.add, 1, 2), dask_site.PROCESS)
    with pytest.raises(dask_site.OtherDatabaseError, match="Dask workers of its own"):
        dask_site.run_once(other, dask_site.PROCESS)
    assert dask_site.run_once(order(f.add, 1, 2), dask_site.PROCESS) == Completed("3")


def test_a_dask_worker_forgets_what_it_has_begun_long_ago(order, monkeypatch):
    monkeypatch.setattr(dask_site, "REMEMBERED", 2)
    orders = [order(f.add, number, 1) for number in range(4)]
    for one in orders:
        dask_site.run_once(one, dask_site.PROCESS)
    assert list(dask_site._begun) == [one.key for one in orders[2:]]


class Begun(dict):
    """What has begun, with a pause where threads would meet."""

    def __init__(self, threads):
        super().__init__({"long ago": None, "too": None})
        self.meet = threading.Barrier(threads)

    def __iter__(self):
        oldest = list(super().__iter__())[:1]
        with contextlib.suppress(threading.BrokenBarrierError):
            self.meet.wait(0.5)  # nobody comes where they take turns
        return iter(oldest)


def test_threads_that_forget_at_once_do_not_hinder_each_other(order, monkeypatch):
    monkeypatch.setattr(dask_site, "REMEMBERED", 2)
    monkeypatch.setattr(dask_site, "_begun", Begun(2))
    monkeypatch.setattr(dask_site.remote, "run", lambda order: Completed(order.key))
    orders, ended = [order(f.add, number, 1) for number in range(2)], []

    def go(one):
        ended.append(dask_site.run_once(one, dask_site.PROCESS))

    threads = [threading.Thread(target=go, args=(one,)) for one in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(ended) == 2
