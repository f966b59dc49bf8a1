"""The Dask executor keeps the promises of the kit, on a cluster with Dask's own settings."""

import pytest

from jobrunner import TaskQueue, Worker
from jobrunner.testing import executor_functions as f
from jobrunner.testing.executor_promises import CrashPromises, ExecutorPromises
from tests.executors.conftest import Cluster


@pytest.fixture(scope="module")
def workers(cluster):
    cluster.start_workers(2)


class TestDask(ExecutorPromises, CrashPromises):
    executor = "dask"

    @pytest.fixture
    def executor_options(self, cluster, workers):
        return {"address": cluster.address}

    @pytest.fixture
    def jobrunner_location(self, cluster_home):
        return cluster_home


@pytest.fixture
def other_cluster(tmp_path):
    """For another database than the tests above have."""
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


def test_a_function_on_dask_reports_to_a_server(server, other_cluster):
    other_cluster.start_workers()
    with server.database() as location:
        queue = TaskQueue(location)
        queue.registry.add(f.report_twice.registered)
        task = queue.enqueue(f.report_twice.bind())
        options = {"address": other_cluster.address}
        Worker(queue, executor="dask", executor_options=options).run(until_empty=True)
        task = queue.get(task.id)
        assert task.returned == f"{task.id}:1:1"
        assert task.progress.note == "half"
        queue.close()
