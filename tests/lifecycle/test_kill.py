"""After `kill -9` nothing is lost, and everything goes on where it stood."""

import os
import signal
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.lifecycle.programs import HEARD

KILLS = 3


def test_the_task_of_a_killed_worker_runs_elsewhere_within_a_second(stage):
    """By the median: a machine with much to do may keep one of three waiting."""
    workers = [stage.worker() for _ in range(KILLS + 1)]
    stage.until(lambda: len(stage.queue.workers()) == len(workers))
    gaps = []
    for _ in range(KILLS):
        task = stage.enqueue("long_once", 60)
        worker_id = stage.running(task)
        killed_at = time.time()
        os.kill(stage.pid_of(worker_id), signal.SIGKILL)
        stage.queue.wait([task], timeout=60)
        crashed, again = stage.queue.history(task)
        gaps.append(again.started_at.timestamp() - killed_at)
        assert (crashed.outcome, crashed.error) == ("lost", "its process has died")
        assert crashed.worker_id == worker_id != again.worker_id
        ended = stage.queue.get(task)
        assert (ended.crashes, ended.attempt, ended.returned) == (1, 2, 2)
    assert median(gaps) < 1.0, gaps


def test_the_scheduler_says_by_what_a_worker_died(stage):
    task = stage.enqueue("long_once", 60)
    stage.scheduler(workers=1)
    worker_id = stage.running(task)
    os.kill(stage.pid_of(worker_id), signal.SIGKILL)
    stage.queue.wait([task], timeout=60)
    reason = "its process died: killed by SIGKILL"
    # The sweep may have been faster than the news of the death.
    assert stage.queue.history(task)[0].error in {reason, "its process has died"}
    lost = [worker for worker in stage.queue.workers() if worker.status is WorkerStatus.LOST]
    assert [worker.id for worker in lost] == [worker_id]


def test_a_resumed_task_goes_on_where_it_stood(stage):
    task = stage.enqueue("walk", 150, 60)
    first = stage.worker()
    stage.until(lambda: "1:60" in stage.log())
    first.kill()
    first.wait()
    stage.worker()
    stage.queue.wait([task], timeout=60)
    second = [int(line[2:]) for line in stage.log() if line.startswith("2:")]
    # The position is stored twice a second, 25 items at most.
    assert 20 < second[0] <= 60
    assert second[-1] == 149
    assert all(after == before + 1 for before, after in pairwise(second))


def test_after_all_were_killed_a_restart_recovers_the_whole_state(stage, finish):
    ids = [stage.enqueue("nothing") for _ in range(50)]
    held = [stage.enqueue("until_file", "go") for _ in range(2)]
    behind = stage.queue.enqueue_command(["true"], after=held).id
    later = stage.enqueue("nothing", delay=timedelta(seconds=1))
    scheduler = stage.scheduler(workers=2)
    for task in held:
        stage.running(task)
    for worker in stage.queue.workers():
        os.kill(worker.pid, signal.SIGKILL)
    scheduler.kill()
    scheduler.wait()
    assert stage.queue.get(behind).status is Status.BLOCKED
    (stage.folder / "go").touch()
    finish(stage.scheduler({"until_empty": True}, workers=2))
    tasks = [stage.queue.get(task) for task in (*ids, *held, behind, later)]
    assert {task.status for task in tasks} == {Status.COMPLETED}
    assert all(stage.outcomes(task)[-1] == "completed" for task in ids)
    assert stage.nobody_is_running()


def test_workers_end_when_their_scheduler_was_killed(stage):
    stage.scheduler(workers=2)
    stage.until(lambda: len(stage.queue.workers()) == 2)
    stage.processes[0].kill()
    stage.until(stage.nobody_is_running)
    assert {worker.status for worker in stage.queue.workers()} == {WorkerStatus.STOPPED}


def test_a_poison_pill_fails_with_its_cause_and_others_complete(stage, finish):
    before = [stage.enqueue("nothing") for _ in range(100)]
    pill = stage.enqueue("pill")
    after = [stage.enqueue("nothing") for _ in range(100)]
    finish(stage.scheduler({"until_empty": True}, workers=2))
    failed = stage.queue.get(pill)
    assert failed.status is Status.FAILED
    assert failed.error == "poison pill, crashed 5 times; the last time: exit code 1"
    assert failed.crashes == 5
    assert stage.outcomes(pill) == ["lost", "lost", "crashed", "crashed", "crashed"]
    others = [stage.queue.get(task) for task in before + after]
    assert {task.status for task in others} == {Status.COMPLETED}
    assert max(task.crashes for task in others) <= 2


def test_a_segmentation_fault_is_named(stage, finish):
    task = stage.enqueue("segfault")
    finish(stage.scheduler({"until_empty": True}, workers=1, executor="process"))
    assert stage.queue.get(task).error.endswith("killed by SIGSEGV")
    assert stage.outcomes(task) == ["crashed"] * 5


@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_the_command_of_a_killed_worker_dies_with_it(stage, kill):
    pids = stage.folder / "pids"
    begin = f"{HEARD}; sleep 60 & echo $$ $! >> {pids}"
    wait = "test $JOBRUNNER_ATTEMPT = 2 || wait"
    task = stage.queue.enqueue_command(["sh", "-c", f"{begin}; {wait}"]).id
    first = stage.worker()
    stage.until(lambda: pids.exists() and pids.read_text())
    kill(first.pid, signal.SIGKILL)
    first.wait()
    for pid in pids.read_text().split():
        stage.until(lambda pid=pid: not _alive(pid))
    assert stage.queue.get(task).status is Status.IN_PROGRESS


def _alive(pid):
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
