"""Killed between any two of its transactions, a task writes the user's rows exactly once."""

import multiprocessing
import signal

import pytest
from sqlalchemy import text

from jobrunner import Status, Worker
from tests.crash import bills

CASES = [(side, *point) for point in bills.POINTS for side in ("before", "after")]


@pytest.fixture
def billing(location):
    """The queue with a table of the user's own."""
    before = bills.queue.relocate(location)
    with bills.queue.transaction() as connection:
        connection.execute(text("CREATE TABLE ledger (task BIGINT, customer TEXT)"))
    yield bills.queue
    assert bills.queue.check() == []
    bills.queue.close()
    bills.queue.relocate(before)


def booked(queue):
    with queue.database.reading() as connection:
        return sorted(connection.scalars(text("SELECT customer FROM ledger")))


def check(queue, task, log, *, outcomes):
    """Whatever the kill: each row once, each receipt once, one end."""
    assert booked(queue) == ["ada", "all", "bob"]
    assert queue.get(task.id).returned == 2
    assert queue.counts()[Status.COMPLETED] == 2
    assert [record.outcome for record in queue.history(task.id)] == outcomes
    calls = log.read_text().split("\n")[:-1]
    assert calls[:1] == ["call ada"]
    assert len(calls) <= 3, "only a call that was cut off is made again"


def ended_by(side, name, nth):
    """How the attempts end: the last commit is the end, whoever is killed after it."""
    return (side, name, nth) == ("after", "own transaction", 3)


@pytest.mark.parametrize(("side", "name", "nth"), CASES)
def test_a_killed_worker_books_once(billing, tmp_path, side, name, nth):
    log = tmp_path / "log"
    task = bills.bill.enqueue(str(log), ["ada", "bob"], [side, name, nth])
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.bills"])
    victim = context.Process(target=bills.work, args=(billing.database.location,))
    victim.start()
    victim.join(60)
    assert victim.exitcode == -signal.SIGKILL
    Worker(billing, **bills.QUICK).run(until_empty=True)
    over = ended_by(side, name, nth)
    check(billing, task, log, outcomes=["completed"] if over else ["lost", "completed"])


@pytest.mark.parametrize(("side", "name", "nth"), CASES)
def test_a_killed_child_books_once(billing, tmp_path, side, name, nth):
    log = tmp_path / "log"
    task = bills.bill.enqueue(str(log), ["ada", "bob"], [side, name, nth])
    Worker(billing, executor="process", **bills.QUICK).run(until_empty=True)
    over = ended_by(side, name, nth)
    check(billing, task, log, outcomes=["completed"] if over else ["crashed", "completed"])
