"""Pause, resize, drain and stop reach real processes within moments, and outlast their death."""

import os
import signal
import time

import pytest

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus

SECOND = 1.0
"""In which a worker hears what it was told; a busy machine may take some more."""


def living(stage):
    return [one for one in stage.queue.workers() if one.stopped_at is None]


def in_progress(stage):
    return stage.queue.counts()[Status.IN_PROGRESS]


def test_a_crew_stays_paused_over_a_kill_and_a_restart(stage):
    scheduler = stage.scheduler(workers=2, name="night", concurrency=1)
    stage.until(lambda: len(living(stage)) == 2)
    stage.queue.crews.pause("night")
    task = stage.enqueue("nothing")
    for worker in living(stage):
        os.kill(worker.pid, signal.SIGKILL)
    before = {worker.id for worker in living(stage)}
    stage.until(lambda: len(living(stage)) == 2 and not before & {w.id for w in living(stage)})
    assert all(worker.paused_at for worker in living(stage))
    scheduler.send_signal(signal.SIGTERM)
    scheduler.wait()
    stage.worker(name="night")
    stage.until(lambda: living(stage))
    assert stage.queue.get(task).status is Status.PENDING
    stage.worker(name="day")
    stage.queue.wait([task], timeout=60)
    (day,) = [worker for worker in living(stage) if worker.crew == "day"]
    assert stage.queue.get(task).worker_id == day.id


def test_a_crew_keeps_its_size_over_a_kill(stage):
    tasks = [stage.enqueue("until_file", "go") for _ in range(5)]
    stage.scheduler(workers=1, name="night", concurrency=1)
    stage.until(lambda: in_progress(stage) == 1)
    stage.queue.crews.resize("night", 3)
    stage.until(lambda: in_progress(stage) == 3)
    (first,) = living(stage)
    os.kill(first.pid, signal.SIGKILL)
    stage.until(lambda: [one for one in living(stage) if one.id != first.id])
    stage.until(lambda: in_progress(stage) == 3)
    (second,) = [one for one in living(stage) if one.id != first.id]
    assert (second.concurrency, second.wanted) == (3, 3)
    (stage.folder / "go").touch()
    stage.queue.wait(tasks, timeout=60)


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_drain_leaves_nothing_behind_and_takes_nothing_more(stage, executor):
    tasks = [stage.enqueue("slow", 0.3) for _ in range(12)]
    stage.worker(executor=executor, concurrency=3, name="night")
    stage.until(lambda: in_progress(stage))
    stage.queue.crews.drain("night", timeout=60)
    assert in_progress(stage) == 0
    assert stage.queue.counts()[Status.PENDING] > 0
    told_at = time.monotonic()
    stage.queue.crews.resume("night")
    stage.until(lambda: in_progress(stage))
    assert time.monotonic() - told_at < 10 * SECOND
    stage.queue.wait(tasks, timeout=60)
    assert {tuple(stage.outcomes(task)) for task in tasks} == {("completed",)}


def test_a_stop_ends_a_scheduler_whose_workers_all_were_told(stage, finish):
    task = stage.enqueue("until_file", "go")
    scheduler = stage.scheduler(workers=2, name="night", shutdown_grace=30)
    stage.running(task)
    stage.until(lambda: len(living(stage)) == 2)
    stage.queue.crews.stop("night")
    stage.until(lambda: {one.status for one in stage.queue.workers()} & {WorkerStatus.STOPPED})
    (stage.folder / "go").touch()
    finish(scheduler)
    assert stage.queue.get(task).status is Status.COMPLETED
    assert {one.status for one in stage.queue.workers()} == {WorkerStatus.STOPPED}
    assert len(stage.queue.workers()) == 2  # none took the place of one that was told to stop


def test_what_expires_while_every_worker_is_paused_ends_all_the_same(stage):
    stage.worker(name="night")
    stage.until(lambda: living(stage))
    stage.queue.crews.pause("night")
    task = stage.queue.enqueue(stage.queue.new_task("nothing", expires_in=0.2))
    ended = stage.queue.wait([task], timeout=60)[0]
    assert (ended.status, ended.attempt) == (Status.CANCELLED, 0)
