"""A FastAPI application with workers beside it: in this process, and under a server with two."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jobrunner import TaskQueue
from jobrunner.contrib.fastapi import Queue, lifespan
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.databases import on_a_file
from tests.runtime.support import PATIENCE, until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def queue(location):
    queue = TaskQueue(location, emit=lambda _event: None)
    yield queue
    assert queue.check() == []
    queue.close()


def application(queue, **settings):
    app = FastAPI(lifespan=lifespan(queue, **settings))

    @app.post("/commands")
    def order(queue: Queue) -> int:
        return queue.enqueue_command(["true"]).id

    return app


def test_tasks_run_while_the_application_does(queue):
    with TestClient(application(queue, workers=2)) as client:
        task_id = client.post("/commands").json()
        assert queue.wait([task_id], timeout=PATIENCE)[0].status is Status.COMPLETED
        (worker,) = queue.workers()
        assert (worker.concurrency, worker.status) == (2, WorkerStatus.RUNNING)
    assert queue.workers()[0].status is WorkerStatus.STOPPED


@on_a_file
def test_without_workers_it_only_stores(queue):
    with TestClient(application(queue, workers=0)) as client:
        client.post("/commands")
    assert queue.workers() == []
    assert queue.counts()[Status.PENDING] == 1


@on_a_file
def test_an_option_without_a_meaning_is_refused_before_it_starts(queue):
    with pytest.raises(ConfigurationError):
        lifespan(queue, workers=-1)
    with pytest.raises(ConfigurationError):
        lifespan(queue, colour="green")


@on_a_file
def test_an_application_without_it_says_what_is_missing(queue):
    app = application(queue)
    with pytest.raises(ConfigurationError, match="has no queue") as told:
        TestClient(app).post("/commands")  # not entered: its lifespan does not run
    assert "lifespan(queue)" in told.value.hint


PROGRAM = """
import os
from fastapi import FastAPI
from jobrunner import TaskQueue
from jobrunner.contrib.fastapi import Queue, lifespan

queue = TaskQueue(os.environ["LOCATION"])
app = FastAPI(lifespan=lifespan(queue, workers=2))

@queue.task
def add(left: int, right: int) -> int:
    return left + right

@app.post("/sums")
def order(left: int, right: int, queue: Queue) -> int:
    return add.enqueue(left, right).id

@app.get("/sums/{task_id}")
def tell(task_id: int, queue: Queue) -> int:
    return queue.wait([task_id], timeout=30)[0].result()
"""


@on_a_file
def test_a_real_server_with_two_processes_runs_them_and_ends_in_order(queue, location, tmp_path):
    (tmp_path / "app.py").write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        port = listening.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "app:app", "--workers", "2"]
        server = subprocess.Popen(
            [*command, "--fd", str(listening.fileno())],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "LOCATION": location},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[listening.fileno()],
            text=True,
        )
    try:
        until(queue, lambda: len(queue.workers()) == 2)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            ids = [client.post(f"/sums?left={n}&right=1").json() for n in range(20)]
            assert [client.get(f"/sums/{one}").json() for one in ids] == list(range(1, 21))
    finally:
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=PATIENCE)
    workers = queue.workers()
    assert {worker.status for worker in workers} == {WorkerStatus.STOPPED}, said
    assert len({worker.pid for worker in workers}) == 2
    assert "Traceback" not in said
