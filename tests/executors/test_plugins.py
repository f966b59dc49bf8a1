"""Plug-ins are found by name, told what they need, and may fail without harm to the worker."""

import subprocess
import sys
import time

import pytest

from jobrunner import Worker
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.events import WorkerStarted, WorkerTrouble
from jobrunner.core.outcome import Completed, Lost
from jobrunner.core.signals import StopReason
from jobrunner.testing import executor_functions as f
from jobrunner.testing.executor_promises import TroublePromises
from tests.executors.inert import soon
from tests.runtime.support import PATIENCE, outcomes, until


def test_an_unknown_executor_is_refused_with_those_that_there_are(queue):
    with pytest.raises(ConfigurationError, match="'slurm', only thread, process, async, dask"):
        Worker(queue, executor="slurm")


def test_options_are_for_plug_ins_only(queue):
    with pytest.raises(ConfigurationError, match="'thread' takes no options"):
        Worker(queue, executor_options={"address": "tcp://there"})


@pytest.mark.parametrize(
    ("options", "problem"),
    [({}, "missing a required"), ({"adress": "x"}, "address")],
    ids=["none", "misspelt"],
)
def test_a_plug_in_is_refused_its_wrong_options(queue, options, problem):
    with pytest.raises(ConfigurationError, match=problem):
        Worker(queue, executor="dask", executor_options=options)


def test_a_plug_in_that_lacks_its_package_says_what_to_install(queue, monkeypatch):
    monkeypatch.delitem(sys.modules, "jobrunner.runtime.executors.dask", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match="'dask' cannot be imported") as refused:
        Worker(queue, executor="dask", executor_options={"address": "tcp://there"})
    assert "durable-jobrunner[dask]" in refused.value.hint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--executor=dask",), "missing a required argument: 'address'"),
        (("--executor=dask", "--workers=2"), "missing a required argument: 'address'"),
        (("--address=tcp://there",), "the executor 'thread' takes no options"),
    ],
    ids=["no address", "no address for two", "an address for nobody"],
)
def test_the_command_line_refuses_it_in_a_sentence(tmp_path, words, said):
    command = [sys.executable, "-m", "jobrunner", "--db", "jobs.db", "work", *words]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_no_more_is_claimed_than_the_engine_has_room_for(queue, engine, work):
    tasks = queue.enqueue_many([f.add.bind(n, 0) for n in range(3)])
    work()
    for _ in tasks:
        soon(lambda: engine.orders)
        assert queue.counts()["in_progress"] == 1
        engine.end(Completed("7"))
    assert [task.returned for task in queue.wait(tasks, timeout=PATIENCE)] == [7, 7, 7]


def test_an_engine_in_trouble_is_told_once_and_nothing_is_claimed(queue, engine, work, events):
    engine.problem = "the engine is on fire"
    task = queue.enqueue(f.add.bind(1, 1))
    work()
    assert events.wait(WorkerTrouble).problem == "the engine is on fire"
    assert queue.counts()["pending"] == 1
    engine.problem = ""
    engine.wake()
    soon(lambda: engine.orders)
    engine.end(Lost("gone"))
    until(queue, lambda: outcomes(queue, task.id) == ["lost"])
    assert len(events.of(WorkerTrouble)) == 1


def test_what_an_engine_refuses_is_given_back(queue, engine, work, events):
    engine.raises["submit"] = RuntimeError("no, not this one")
    task = queue.enqueue(f.add.bind(1, 1))
    work()
    assert events.wait(WorkerTrouble).problem == "no, not this one"
    soon(lambda: engine.orders)
    engine.end(Completed("2"))
    queue.wait([task], timeout=PATIENCE)
    assert outcomes(queue, task.id) == ["released", "completed"]
    assert queue.get(task.id).attempt == 1


def test_what_does_not_end_is_let_go_and_keeps_its_room_until_it_does(queue, engine, work):
    stuck, after = queue.enqueue_many(
        [f.add.using(timeout=0.1, max_attempts=1).bind(1, 1), f.add.bind(2, 2)]
    )
    work()
    queue.wait([stuck], timeout=PATIENCE)
    assert outcomes(queue, stuck.id) == ["timed_out"]
    soon(lambda: len(engine.cancelled) == 2)
    assert engine.cancelled == [(StopReason.TIMEOUT, False), (StopReason.TIMEOUT, True)]
    assert queue.get(after.id).status == "pending"
    engine.end(Completed("late"))
    soon(lambda: engine.orders)
    assert queue.get(after.id).status == "in_progress"
    assert outcomes(queue, stuck.id) == ["timed_out"]


@pytest.mark.parametrize("problem", ["the engine is on fire", ""], ids=["trouble", "full"])
def test_a_worker_without_room_ends_when_nothing_is_left(queue, engine, work, events, problem):
    engine.size, engine.problem = 0, problem
    work({"until_empty": True}).join()
    task = queue.enqueue(f.add.using(delay=3600).bind(1, 1))
    working = work({"until_empty": True})
    soon(lambda: len(events.of(WorkerStarted)) == 2)
    queue.cancel(task.id)
    working.join()
    assert working.worker.settled == 0


class TestDaskWithoutScheduler(TroublePromises):
    executor = "dask"

    @pytest.fixture
    def executor_options(self):
        return {"address": "tcp://127.0.0.1:1"}  # nobody listens there


def test_a_worker_whose_engine_never_answered_ends_without_delay(queue):
    began = time.monotonic()
    options = {"address": "tcp://127.0.0.1:1"}  # nobody listens there; Dask tries it for 5 s
    Worker(queue, executor="dask", executor_options=options).run(duration=0.1)
    assert time.monotonic() - began < 4
