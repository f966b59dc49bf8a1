"""An order runs where it is called, at most once, in the process that it is meant for."""

import pickle
import threading
from datetime import UTC, datetime

import pytest

from jobrunner.core.outcome import Completed, Failed, Lost, Released
from jobrunner.core.signals import StopReason
from jobrunner.core.task import Lease
from jobrunner.executors import Order, run, stop
from jobrunner.runtime.executors import dask_site
from jobrunner.runtime.executors.dask import Place
from jobrunner.testing import executor_functions as f


@pytest.fixture
def order(queue):
    """Make an order of a function with arguments, of a task that is in nobody's hands."""
    location = queue.database.location

    def make(function, args="[]", *, token="t", crashes=0, at=location):  # noqa: S107 — no password
        lease = Lease(
            task_id=1,
            token=token,
            attempt=1,
            max_attempts=5,
            crashes=crashes,
            queue="default",
            priority=0,
            function=function.name,
            command=None,
            cwd=None,
            args=args,
            kwargs=None,
            timeout=None,
            run_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        return Order(function.registered.reference, at, lease)

    return make


def test_an_order_runs_where_it_is_called_and_travels_there_and_back(order):
    sent = pickle.loads(pickle.dumps(order(f.add, "[1, 2]")))  # noqa: S301 — our own
    assert sent == order(f.add, "[1, 2]")
    assert pickle.loads(pickle.dumps(run(sent))) == Completed("3")  # noqa: S301 — our own


def test_an_attempt_whose_lease_is_gone_writes_nothing(queue, order):
    outcome = run(order(f.report_twice))
    assert isinstance(outcome, Failed)
    assert outcome.error == "LeaseLostError: the lease on task 1 is lost"


def test_a_file_of_another_machine_is_not_made_here(order, tmp_path):
    outcome = run(order(f.add, "[1, 2]", at=str(tmp_path / "elsewhere.db")))
    assert isinstance(outcome, Failed)
    assert "elsewhere.db is not on this machine" in outcome.error
    assert not (tmp_path / "elsewhere.db").exists()


def test_what_is_stopped_by_force_ends_and_what_cannot_is_let_go(order, monkeypatch):
    # An attempt without a lease may not report that it runs: `stop` is repeated until it does.
    monkeypatch.setattr(f.context.__class__, "progress", lambda *_, **__: None)
    for function in (f.spin, f.hang):
        stopped, outcomes = order(function), []
        thread = threading.Thread(target=lambda: outcomes.append(run(stopped)))  # noqa: B023
        thread.start()
        while thread.is_alive():
            stop(stopped, StopReason.NOW, force=True)
            thread.join(0.1)
        assert outcomes == [Released()]


def test_a_dask_worker_begins_an_order_once(order):
    mine = order(f.add, "[1, 2]", token="once")  # noqa: S106 — no password
    assert dask_site.run_once(mine, dask_site.hello()) == Completed("3")
    assert dask_site.run_once(mine, dask_site.hello()) == Lost("Dask has lost its result")


def test_a_dask_worker_begins_no_order_of_the_one_that_had_its_address(order):
    with pytest.raises(dask_site.OtherProcessError):
        dask_site.run_once(order(f.add, "[1, 2]"), "another process")


def test_a_dask_worker_forgets_what_it_has_begun_long_ago(order, monkeypatch):
    monkeypatch.setattr(dask_site, "REMEMBERED", 2)
    monkeypatch.setattr(dask_site, "_begun", {})
    for number in range(4):
        dask_site.run_once(order(f.add, "[1, 2]", token=f"{number}"), dask_site.PROCESS)
    assert [key[-1] for key in dask_site._begun] == ["2", "3"]


def test_a_task_that_crashed_twice_gets_a_dask_worker_for_itself(order):
    place = Place("tcp://there", "process", threads=3)
    plain, pill = order(f.add), order(f.die, crashes=2)
    assert place.fits(plain)
    assert place.fits(pill)
    place.orders[plain] = None
    assert place.room == 2
    assert not place.fits(pill)
    place.orders = {pill: None}
    assert place.room == 0
