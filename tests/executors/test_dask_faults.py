"""What becomes of tasks when Dask workers are killed, and the scheduler too."""

import os
import signal
from pathlib import Path

import pytest

from jobrunner.core.events import TaskStarted, WorkerTrouble
from jobrunner.core.status import Status
from jobrunner.testing import executor_functions as f
from tests.runtime.support import PATIENCE, outcomes, until


@pytest.fixture
def home(cluster_home):
    return cluster_home


def go(tmp_path: Path) -> None:
    (tmp_path / "go").touch()


def test_a_dask_worker_that_is_killed_costs_one_crash(queue, cluster, start_worker, tmp_path):
    cluster.start_workers()
    task = queue.enqueue(f.outlive.bind(str(tmp_path)))
    start_worker()
    until(queue, lambda: queue.get(task.id).progress)
    os.kill(int(queue.get(task.id).progress.note), signal.SIGKILL)
    until(queue, lambda: queue.get(task.id).crashes == 1)
    go(tmp_path)
    queue.wait([task], timeout=PATIENCE)
    assert outcomes(queue, task.id) == ["crashed", "completed"]
    assert "the Dask worker tcp://" in queue.history(task.id)[0].error


def test_nothing_is_lost_with_the_scheduler(queue, cluster, start_worker, tmp_path, events):
    """It tells what is wrong, claims nothing, and goes on when the scheduler is there again."""
    tasks = queue.enqueue_many([f.outlive.bind(str(tmp_path)) for _ in range(4)])
    start_worker()
    until(queue, lambda: queue.get(tasks[0].id).progress)
    cluster.scheduler.kill()
    cluster.scheduler.wait(PATIENCE)
    until(queue, lambda: outcomes(queue, tasks[0].id) == ["lost"])
    assert cluster.address in events.wait(WorkerTrouble).problem
    assert queue.counts()[Status.PENDING] == 4
    assert len(events.of(TaskStarted)) == 1
    cluster.start_scheduler()
    cluster.start_workers()
    go(tmp_path)
    ended = queue.wait(tasks, timeout=PATIENCE)
    assert {task.status for task in ended} == {Status.COMPLETED}
    assert outcomes(queue, tasks[0].id) == ["lost", "completed"]
    assert [outcomes(queue, task.id) for task in tasks[1:]] == [["completed"]] * 3
