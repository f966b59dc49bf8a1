"""A Dask cluster of real processes, to be killed, and a plug-in that is told what to do."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobrunner import TaskQueue, Worker
from jobrunner.runtime.executors import plugin
from jobrunner.testing.executor_functions import functions
from tests.executors.inert import Inert
from tests.runtime.conftest import Started
from tests.runtime.support import Events

PATIENCE = 60.0


class Cluster:
    """A Dask scheduler on one port, and what has joined it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.started: list[subprocess.Popen[str]] = []
        self.scheduler = self.start_scheduler()

    def start_scheduler(self) -> subprocess.Popen[str]:
        self.scheduler = self._start("scheduler", "Scheduler at", f"--port={self.port}")
        return self.scheduler

    def start_workers(self, number: int = 1) -> None:
        """Each has one thread, and is started anew when it dies."""
        self._start(
            "worker",
            "Registered to",
            self.address,
            "--nthreads=1",
            f"--nworkers={number}",
            f"--local-directory={self.folder}",
        )

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
def queue(tmp_path: Path, events: Events) -> Iterator[TaskQueue]:
    """A queue that must be sound at the test's end."""
    queue = TaskQueue(tmp_path / "jobs.db", emit=events)
    for name in functions.registry.names:
        queue.registry.add(functions.registry.get(name))
    yield queue
    assert queue.check() == []
    queue.close()


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
