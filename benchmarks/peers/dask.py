"""Dask distributed on a local cluster: one process a core, nothing durable."""

import logging
import time

from distributed import Client, LocalCluster

from benchmarks.peers import protocol


def burn(_number: int, rounds: int) -> None:
    """A task; the number makes its key its own."""
    protocol.burn(rounds)


class Dask:
    """Its guide: processes for work in Python, `map`, `gather`."""

    def granularity(self, _url: str, *, cores: int, count: int, rounds: int) -> float:
        """The seconds from the submission of so many tasks to the last result."""
        local = LocalCluster(
            n_workers=cores,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,  # a heartbeat that meets the end of the cluster
        )
        with local as cluster, Client(cluster) as client:
            client.gather(client.map(burn, range(-64, 0), rounds=1))  # imports
            began = time.perf_counter()
            client.gather(client.map(burn, range(count), rounds=rounds))
            return time.perf_counter() - began


CONTESTANT = Dask()
