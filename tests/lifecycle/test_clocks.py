"""Steps of the wall clock, and a stop of everybody at once, lose nobody and keep no dead."""

import signal
from datetime import timedelta

import pytest

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.lifecycle import processes
from tests.lifecycle.conftest import SILENT

CLOCK = """
from datetime import timedelta
from jobrunner.runtime.clock import SharedClock

right = SharedClock.now

def shifted(self):
    shift = HERE / "shift"
    return right(self) + timedelta(seconds=float(shift.read_text()) if shift.exists() else 0)

SharedClock.now = shifted

@queue.task
def fail_once():
    if context.attempt == 1:
        raise ValueError("once")
"""
QUICK = {"heartbeat": 0.2, "lost_after": SILENT}
LONGER = 2 * int(SILENT) + 2
"""Beats, of which there are two a second: they take longer than `lost_after`."""
HOUR = 3600.0
BEFORE_THE_EPOCH = -80 * 366 * 24 * HOUR
STEPS = {"forward": HOUR, "back": -HOUR, "before 1970": BEFORE_THE_EPOCH}


def step(stage, seconds):
    """Set the clocks of all processes of the application; whole, as clocks are set."""
    new = stage.folder / "shift.new"
    new.write_text(str(seconds))
    new.rename(stage.folder / "shift")


def beats(stage):
    return {worker.id: worker.beat for worker in stage.queue.workers()}


def until_all_have_beaten(stage, times):
    """Wait by the workers' own life, which no wall clock moves."""
    before = beats(stage)
    stage.until(
        lambda: all(beat >= before[worker] + times for worker, beat in beats(stage).items())
    )


@pytest.fixture
def stage(stage):
    stage.write(CLOCK)
    return stage


@pytest.fixture
def two(stage):
    """Two workers that watch each other, each with a task in hand."""
    workers = [stage.worker(concurrency=2, queues=[name], **QUICK) for name in ("a", "b")]
    tasks = [stage.enqueue("until_file", "go", queue=name) for name in ("a", "b")]
    ids = [stage.running(task) for task in tasks]
    return workers, tasks, ids


@pytest.mark.parametrize("seconds", STEPS.values(), ids=STEPS)
def test_a_step_of_the_clock_loses_nobody_and_keeps_no_dead(stage, two, seconds):
    (_, second), tasks, ids = two
    step(stage, seconds)
    until_all_have_beaten(stage, LONGER)
    assert {worker.status for worker in stage.queue.workers()} == {WorkerStatus.RUNNING}

    second.kill()
    second.wait()
    stage.until(lambda: stage.worker_status(ids[1]) is WorkerStatus.LOST)
    assert stage.outcomes(tasks[1]) == ["lost"]
    assert stage.worker_status(ids[0]) is WorkerStatus.RUNNING
    (stage.folder / "go").touch()
    stage.worker(queues=["b"], **QUICK)
    assert {task.status for task in stage.queue.wait(tasks, timeout=60)} == {Status.COMPLETED}
    assert stage.outcomes(tasks[0]) == ["completed"]
    report = stage.queue.report()
    assert all(
        row.ended_at >= row.started_at for task in tasks for row in stage.queue.history(task)
    )
    assert all(worker.busy_s >= 0 and worker.alive_s >= 0 for worker in report.workers)
    assert all(spread.p50 >= 0 for spread in (report.run, report.wait))


def test_what_is_due_goes_by_the_wall_clock(stage):
    """Delays and backoffs are moments: set back an hour, they come an hour later."""
    soon = stage.enqueue("nothing", delay=timedelta(seconds=5), queue="a")
    late = stage.enqueue("nothing", delay=timedelta(hours=2), queue="a")
    step(stage, -HOUR)
    stage.worker(queues=["a"], **QUICK)
    again = stage.enqueue("fail_once", queue="a")
    stage.until(lambda: stage.outcomes(again) == ["failed"])
    until_all_have_beaten(stage, 3)
    assert {stage.queue.get(task).status for task in (soon, late, again)} == {Status.SCHEDULED}
    step(stage, HOUR)
    stage.queue.wait([soon, again], timeout=60)
    assert stage.queue.get(late).status is Status.SCHEDULED
    step(stage, 2 * HOUR)
    stage.queue.wait([late], timeout=60)


def test_everybody_stopped_at_once_and_continued_loses_nobody(stage, two):
    """A suspended machine: who was stopped himself has seen nothing of the others."""
    workers, tasks, ids = two
    pids = [process.pid for process in workers]
    stage.freeze(*pids)
    before = beats(stage)
    witness = stage.worker(heartbeat=0.2, lost_after=60, queues=["nobody"])
    (new,) = stage.until(lambda: set(beats(stage)) - set(before))
    stage.until(lambda: beats(stage)[new] >= LONGER)
    witness.kill()
    witness.wait()
    processes.send(signal.SIGCONT, *pids)
    stage.until(lambda: all(beats(stage)[worker] > before[worker] + 3 for worker in ids))
    assert {stage.worker_status(worker) for worker in ids} == {WorkerStatus.RUNNING}
    (stage.folder / "go").touch()
    assert {task.attempt for task in stage.queue.wait(tasks, timeout=60)} == {1}
