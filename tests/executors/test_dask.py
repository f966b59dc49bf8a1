"""The Dask executor keeps the promises of the kit, on a cluster with Dask's own settings."""

import pytest

from jobrunner.testing.executor_promises import CrashPromises, ExecutorPromises


@pytest.fixture(scope="module")
def workers(cluster):
    cluster.start_workers(2)


class TestDask(ExecutorPromises, CrashPromises):
    executor = "dask"

    @pytest.fixture
    def executor_options(self, cluster, workers):
        return {"address": cluster.address}
