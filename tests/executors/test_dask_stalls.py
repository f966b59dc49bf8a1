"""What becomes of tasks when Dask workers are replaced unseen, or fall silent."""

import os
import signal

import pytest

from jobrunner.core.status import Status
from jobrunner.runtime.executors import dask_greeter
from jobrunner.runtime.executors.dask_cluster import Cluster as Dask
from jobrunner.testing import executor_functions as f
from tests.executors.conftest import Cluster, free_port
from tests.runtime.support import PATIENCE, outcomes, until


@pytest.fixture
def cluster(tmp_path):
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


@pytest.fixture
def home(cluster):
    return cluster.home


def test_a_dask_worker_that_was_replaced_unseen_costs_nothing(
    queue, cluster, start_worker, monkeypatch
):
    """As when the link was cut meanwhile: what is sent to the one that was does not begin."""
    port, look, seen = free_port(), Dask.workers, []

    async def look_once(self):
        seen.append(seen[0] if seen else await look(self))
        return seen[0]

    first = cluster.start_worker_at(port)
    with monkeypatch.context() as blind:
        blind.setattr(Dask, "workers", look_once)
        start_worker(concurrency=1)
        queue.wait([queue.enqueue(f.add.bind(1, 2))], timeout=PATIENCE)
        first.kill()
        first.wait(PATIENCE)
        cluster.start_worker_at(port)
        task = queue.enqueue(f.add.bind(1, 2))
        assert queue.wait([task], timeout=PATIENCE)[0].returned == 3
    assert outcomes(queue, task.id) == ["released", "completed"]


def test_a_dask_worker_that_is_silent_keeps_no_other(queue, cluster, start_worker, monkeypatch):
    """Neither one that never answered, nor one that could not be told to stop."""
    monkeypatch.setattr(dask_greeter, "ASK_AGAIN_AFTER", 1.0)
    frozen = cluster.start_worker_at(free_port())
    frozen.send_signal(signal.SIGSTOP)
    cluster.start_worker_at(free_port())
    start_worker(kill_grace=0.2)
    stuck = queue.enqueue(f.outlive.bind("nowhere"))
    until(queue, lambda: queue.get(stuck.id).progress)
    os.kill(int(queue.get(stuck.id).progress.note), signal.SIGSTOP)
    frozen.send_signal(signal.SIGCONT)
    queue.cancel(stuck.id)
    ended = queue.wait([stuck, queue.enqueue(f.add.bind(1, 2))], timeout=PATIENCE)
    assert [task.status for task in ended] == [Status.CANCELLED, Status.COMPLETED]
