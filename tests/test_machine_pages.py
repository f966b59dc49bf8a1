"""The pages for who runs it on a machine of their own: each of their commands does what it says."""

import shlex
import signal
import subprocess
from contextlib import closing, contextmanager

import httpx2
import pytest

from jobrunner import Status, TaskQueue
from tests.test_blocks import blocks
from tests.test_readme import environment, run

APP = """
from jobrunner import TaskQueue

queue = TaskQueue("jobs.db")


@queue.task
def add(a, b):
    return a + b
"""

ELSEWHERE = {
    "/etc/systemd/system/": "",
    "| kubectl apply -f -": "> pod.yaml",
    "/backups/": "backups/",
    "createdb ": ": createdb ",
    "jobs work": "jobs work --until-empty",
    "pip install": ": pip install",
}
"""What a page says, and what is run here in its place."""


@pytest.fixture
def here(tmp_path):
    """A folder with the application, and a task to do."""
    (tmp_path / "app.py").write_text(APP)
    run(tmp_path, "mkdir backups; jobrunner -A app enqueue -- true")
    return tmp_path


def script(page, **others):
    lines = "".join(blocks(f"docs/{page}.md", "console")).splitlines()
    text = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
    for said, done in (ELSEWHERE | others).items():
        text = text.replace(said, done)
    return text


@contextmanager
def started(folder, command):
    """Start a server at a port that is free; its URL."""
    server = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command} --port 0"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield server.stdout.readline().strip()
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()
    assert server.returncode == 128 + signal.SIGTERM


def test_the_commands_of_the_page_on_operations(here, server):
    with server.database(empty=True) as place:
        printed = run(
            here, script("operations", **{"postgresql://me@host/jobs": shlex.quote(place)})
        )
        with closing(TaskQueue(place)) as queue:
            (task,) = queue.find()
    assert task.status is Status.COMPLETED
    assert ["table", "rows", "checksum"] in [line.split() for line in printed.splitlines()]
    assert "ExecStart=" in (here / "jobrunner.service").read_text()
    assert "replicas: 3" in (here / "pod.yaml").read_text()
    assert 'image: "app:1.0"' in (here / "compose.yaml").read_text()
    assert len([*here.glob("jobs.db.backup-*"), *here.glob("backups/jobs.db")]) == 2


@pytest.mark.parametrize("page", ["serve", "dashboard"])
def test_the_commands_of_a_page_on_the_server(here, page):
    for line in script(page).splitlines():
        if " serve" not in line:
            run(here, line.replace("jobrunner token", "jobrunner -A app token"))
            continue
        with started(here, line) as url:
            assert httpx2.get(f"{url}livez").status_code == 200
