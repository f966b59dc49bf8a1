"""A Dask cluster of real processes, to be killed, and a plug-in that is told what to do."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobrunner import TaskQueue, Worker
from jobrunner.core.backoff import exponential
from jobrunner.core.outcome import Ended, Released
from jobrunner.executors import Order
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.executors import plugin
from jobrunner.storage.claim import claim
from jobrunner.storage.settle import settle
from jobrunner.storage.tables import attempts, dependencies, progress, tasks, workers
from jobrunner.storage.types import micros
from jobrunner.testing.executor_functions import functions
from tests.executors.inert import Inert
from tests.runtime.conftest import Started
from tests.runtime.support import Events, register_ada

PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Cluster:
    """A Dask scheduler on one port, and what has joined it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.home = str(folder / "jobs.db")  # the one database that its workers serve
        self.started: list[subprocess.Popen[str]] = []
        self.scheduler = self.start_scheduler()

    def start_scheduler(self) -> subprocess.Popen[str]:
        self.scheduler = self._start("scheduler", "Scheduler at", f"--port={self.port}")
        return self.scheduler

    def start_workers(self, number: int = 1) -> None:
        """Each has one thread, and is started anew when it dies."""
        self._start_worker(f"--nworkers={number}")

    def start_worker_at(self, port: int) -> subprocess.Popen[str]:
        """It has one thread, and is not started anew."""
        return self._start_worker(f"--worker-port={port}", "--no-nanny")

    def _start_worker(self, *options: str) -> subprocess.Popen[str]:
        where = f"--local-directory={self.folder}"
        return self._start("worker", "Registered to", self.address, "--nthreads=1", where, *options)

    def _start(self, what: str, until: str, *options: str) -> subprocess.Popen[str]:
        """Start `dask-scheduler` or `dask-worker`, and wait until it says that it is there."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", f"distributed.cli.dask_{what}"),
                *("--host=127.0.0.1", "--no-dashboard", *options),
            ],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        ready = threading.Event()
        threading.Thread(target=_read, args=(process, until, ready), daemon=True).start()
        assert ready.wait(PATIENCE), f"no Dask {what}"
        return process

    def close(self) -> None:
        for process in reversed(self.started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def _read(process: subprocess.Popen[str], until: str, ready: threading.Event) -> None:
    """Read what it says to the end, so that it is never kept from saying more."""
    with process.stderr as lines:
        for line in lines:
            if until in line:
                ready.set()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def home(tmp_path: Path) -> str:
    """Where the queue's database is."""
    return str(tmp_path / "jobs.db")


@pytest.fixture
def queue(home: str, events: Events) -> Iterator[TaskQueue]:
    """A queue that must be sound at the test's end."""
    queue = TaskQueue(home, emit=events)
    for name in functions.registry.names:
        queue.registry.add(functions.registry.get(name))
    yield queue
    assert queue.check() == []
    queue.close()


@pytest.fixture
def order(queue):
    """Make an order of a function with arguments, of a task that is in the hands of `ada`."""
    register_ada(queue, SystemClock())
    tokens = itertools.count(1)

    def make(function, *args, crashes=0, at=queue.database.location):
        queue.enqueue(function.bind(*args))
        with queue.database.writing() as transaction:
            token, now = next(tokens), datetime.now(UTC)
            (lease,) = claim(transaction, worker_id="ada", token=token, limit=1, now=now)
        return Order(function.registered.reference, at, lease._replace(crashes=crashes))

    return make


@pytest.fixture
def take_away(queue):
    """Have the lease of an order go, as when its worker is declared lost."""

    def go(order):
        now = datetime.now(UTC)
        ended = [Ended(order.lease, Released(), None, micros(now))]
        with queue.database.writing() as transaction:
            settle(transaction, ended, worker_id="ada", now=now, backoff=exponential)

    return go


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.close()


@pytest.fixture
def engine(monkeypatch):
    engine = Inert()
    monkeypatch.setattr(plugin, "find", lambda *_, **__: lambda: engine)
    return engine


@pytest.fixture
def work(queue):
    """Run a worker with the inert executor in a thread until the test ends."""
    started = []

    def start(limits=None, **settings):
        worker = Worker(queue, executor="inert", shutdown_grace=0.1, kill_grace=0.1, **settings)
        started.append(Started(worker, limits or {}))
        return started[-1]

    yield start
    for worker in started:
        worker.stop_at_once()


@pytest.fixture
def cluster_home(cluster: Cluster) -> str:
    """The database of a cluster's workers, with nothing in it."""
    queue = TaskQueue(cluster.home)
    with queue.transaction() as transaction:
        for table in (progress, attempts, dependencies, tasks, workers):
            transaction.execute(table.delete())
    queue.close()
    return cluster.home


@pytest.fixture
def start_worker(queue, cluster):
    """Start workers on Dask in threads of their own, and end them with the test."""
    started = []

    def start(**settings):
        settings |= {"executor_options": {"address": cluster.address}, "shutdown_grace": 0.2}
        worker = Worker(queue, executor="dask", **settings)
        started.append(Started(worker, {}))
        return started[-1]

    yield start
    for worker in started:
        worker.stop_at_once()
