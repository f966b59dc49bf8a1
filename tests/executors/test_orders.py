"""An order runs where it is called, as long as its lease holds, until it is stopped."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobrunner.core.outcome import Cancelled, Completed, Failed, Released
from jobrunner.core.signals import StopReason
from jobrunner.core.verdict import CANCEL_REASON
from jobrunner.executors import run, stop
from jobrunner.runtime.executors import remote
from jobrunner.runtime.registry import Reference
from jobrunner.testing import executor_functions as f
from tests.runtime.support import PATIENCE, until


@pytest.fixture
def start():
    """Run orders in threads of their own; each gives a future."""
    with ThreadPoolExecutor() as pool:
        yield lambda order: pool.submit(run, order)


def test_an_order_runs_where_it_is_called_and_travels_there_and_back(order):
    made = order(f.add, 1, 2)
    sent = pickle.loads(pickle.dumps(made))  # noqa: S301 — our own
    assert sent == made
    assert pickle.loads(pickle.dumps(run(sent))) == Completed("3")  # noqa: S301 — our own


def test_an_order_does_not_show_the_password_of_its_database(order):
    shown = repr(order(f.add, 1, 2, at="postgresql://ada:secret@host/jobs"))
    assert "secret" not in shown
    assert "add" in shown


def test_an_attempt_whose_lease_is_gone_does_not_begin(order, take_away):
    late = order(f.fail, "it has begun")
    take_away(late)
    assert run(late) == Released()


@pytest.mark.parametrize("function", [f.spin, f.hang], ids=lambda function: function.name)
def test_a_function_ends_or_is_let_go_when_its_lease_is_gone(
    queue, order, take_away, start, monkeypatch, function
):
    monkeypatch.setattr(remote, "WATCH_EVERY", 0.01)
    losing = order(function)
    running = start(losing)
    until(queue, lambda: queue.get(losing.lease.task_id).progress)
    take_away(losing)
    assert running.result(PATIENCE) == Released()


def test_a_file_of_another_machine_is_not_made_here(order, tmp_path):
    outcome = run(order(f.add, 1, 2, at=str(tmp_path / "elsewhere.db")))
    assert isinstance(outcome, Failed)
    assert "elsewhere.db is not on this machine" in outcome.error
    assert not (tmp_path / "elsewhere.db").exists()


@pytest.mark.parametrize("function", [f.spin, f.hang], ids=lambda function: function.name)
def test_what_is_stopped_by_force_ends_and_what_cannot_is_let_go(queue, order, start, function):
    stopped = order(function)
    running = start(stopped)
    until(queue, lambda: queue.get(stopped.lease.task_id).progress)
    stop(stopped, StopReason.NOW, force=True)
    assert running.result(PATIENCE) == Released()


def test_what_is_stopped_while_its_application_is_imported_does_not_begin(
    order, start, monkeypatch
):
    importing, go = threading.Event(), threading.Event()

    def load(reference, location):
        importing.set()
        assert go.wait(PATIENCE)
        return f.fail.registered

    monkeypatch.setattr(Reference, "load", load)
    stopped = order(f.fail, "it has begun")
    running = start(stopped)
    assert importing.wait(PATIENCE)
    stop(stopped, StopReason.CANCEL, force=False)
    go.set()
    assert running.result(PATIENCE) == Cancelled(CANCEL_REASON)


def test_first_orders_at_once_open_one_database(order, start, monkeypatch):
    opened, opening = [], remote.Database
    both = threading.Barrier(2)

    def load(reference, location):
        both.wait(PATIENCE)
        return f.add.registered

    def open_slowly(location):
        opened.append(location)
        threading.Event().wait(0.05)  # for another one to come in between, if it can
        return opening(location)

    monkeypatch.setattr(remote, "Database", open_slowly)
    monkeypatch.setattr(Reference, "load", load)
    ended = [start(order(f.add, 1, 2)) for _ in range(2)]
    assert [one.result(PATIENCE) for one in ended] == [Completed("3")] * 2
    assert len(opened) == 1
