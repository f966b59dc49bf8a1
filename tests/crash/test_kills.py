"""Kills are counted across processes, spread over the tasks, and no innocent task fails of them."""

import os
import subprocess
import sys
import threading
from random import Random

import pytest

from jobrunner import NewTask, Scheduler, Status, TaskQueue, Worker
from jobrunner.core import verdict
from jobrunner.core.events import ignore
from jobrunner.core.worker import WorkerStatus
from jobrunner.runtime.liveness import Liveness
from jobrunner.testing.crash_kills import OUTSIDE, SPARED_FROM, RandomKills, raise_limit
from jobrunner.testing.crash_ledger import Ledger
from jobrunner.testing.crash_victims import Victims

ALWAYS = {"after settle": 1.0}
"""Die whenever a turn is over: with every claim, before the task begins."""

DIES = """
import os, sys
from jobrunner import TaskQueue, Worker
Worker(TaskQueue(sys.argv[1]), on_join=lambda _: os.kill(os.getpid(), 9)).run()
"""


@pytest.fixture
def queue(location):
    queue = TaskQueue(location, emit=ignore)
    yield queue
    assert queue.check() == []
    queue.close()


@pytest.fixture(autouse=True)
def limit():
    yield
    raise_limit(0)


def test_many_spend_one_budget_and_not_more(tmp_path):
    # Threads stand for processes here: each opens and locks the file for itself.
    ledger, together = Ledger(tmp_path / "kills", 100), threading.Barrier(8)

    def spend():
        together.wait()
        while ledger.spend("one"):
            pass

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (ledger.spent, ledger.is_spent) == (100, True)


def test_the_limit_is_raised_where_no_task_is_spared(tmp_path, queue):
    ledger, before = Ledger(tmp_path / "kills", 9), verdict.MAX_CRASHES
    RandomKills(ledger, {}, 0.0, 0).arm(queue)
    assert before == verdict.MAX_CRASHES
    RandomKills(ledger, {}, 0.0, 0, None).arm(queue)
    assert before + 9 == verdict.MAX_CRASHES


def test_a_task_that_is_hit_more_often_than_a_poison_pill_completes(tmp_path, queue):
    kills = verdict.MAX_CRASHES + 1
    plan = RandomKills(Ledger(tmp_path / "kills", kills), ALWAYS, 0.0, 0, None)
    task = queue.enqueue_command(["true"])
    raise_limit(kills)
    Scheduler(Victims(queue, plan)).run(until_empty=True, duration=60)
    ended = queue.get(task.id)
    assert (ended.status, ended.crashes, ended.attempt) == (Status.COMPLETED, kills, kills + 1)
    assert dict(plan.ledger.causes) == {"after settle": kills}


def test_a_task_is_spared_where_the_limit_is_as_ever(tmp_path, queue):
    plan = RandomKills(Ledger(tmp_path / "kills", SPARED_FROM + 2), ALWAYS, 0.0, 0)
    task = queue.enqueue_command(["true"])
    Scheduler(Victims(queue, plan)).run(until_empty=True, duration=60)
    ended = queue.get(task.id)
    assert (ended.status, ended.crashes) == (Status.COMPLETED, SPARED_FROM)


def test_the_limit_is_put_back():
    before = verdict.MAX_CRASHES
    raise_limit(7)
    assert before + 7 == verdict.MAX_CRASHES
    raise_limit(0)
    assert before == verdict.MAX_CRASHES


def test_kills_keep_the_pace_of_the_tasks(tmp_path, queue):
    queue.enqueue_many([NewTask(command=["true"]) for _ in range(100)])
    plan = RandomKills(Ledger(tmp_path / "kills", 100), {}, 0.0, 0, None)
    waiting = queue.status()
    assert [plan._may_die(set(), waiting) and plan.ledger.spend("") for _ in range(5)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    Worker(queue).run(until_empty=True, max_tasks=20)
    done = queue.status()
    assert done.tasks[Status.COMPLETED] >= 20
    assert plan._may_die(set(), done)


def test_nobody_is_killed_where_nobody_works(tmp_path, queue):
    plan = RandomKills(Ledger(tmp_path / "kills", 9), {}, 0.0, 0)
    queue.enqueue_command(["true"])
    assert not plan.kill_one(queue, Random(1))  # noqa: S311 — no secret
    assert plan.ledger.spent == 0


def test_who_has_just_killed_itself_is_not_killed_again(tmp_path, location, queue, monkeypatch):
    """On a server it may do so between our look and our kill."""
    plan = RandomKills(Ledger(tmp_path / "kills", 9), {}, 0.0, 0)
    assert subprocess.run([sys.executable, "-c", DIES, location], check=False).returncode == -9
    monkeypatch.setattr(Liveness, "is_dead", lambda *_: False)
    assert plan.kill_one(queue, Random(1))  # noqa: S311 — no secret


def test_the_process_that_is_armed_elsewhere_is_not_armed_itself(tmp_path, queue):
    plan = RandomKills(Ledger(tmp_path / "kills", 9), {}, 1.0, 0)
    victims = Victims(queue, plan)
    Worker(victims).run(until_empty=True)
    assert [worker.pid for worker in queue.workers()] == [os.getpid()]
    assert [worker.status for worker in queue.workers()] == [WorkerStatus.STOPPED]
    assert OUTSIDE not in plan.ledger.causes
