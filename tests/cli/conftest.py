"""The command line in this process for speed, and as a process where that is the point."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from jobrunner import NewTask, TaskQueue, Worker
from jobrunner.cli import app
from jobrunner.config import load_application
from jobrunner.observe.logs import logger
from tests.cli import movers

JOBRUNNER = (sys.executable, "-m", "jobrunner")

APP = """
import time
from pathlib import Path
from jobrunner import TaskQueue, context

queue = TaskQueue("jobs.db")

@queue.task
def add(a, b=0):
    return a + b

@queue.task(queue="slow", timeout=60)
def thumbnail(path, width=200):
    context.progress(1, 2, note="halving")
    return f"{path} at {width}"

@queue.task(max_attempts=1)
def fail():
    raise ValueError("out of luck")

@queue.task
def patient():
    Path("running").touch()
    while not context.stopping:
        time.sleep(0.01)
    context.check()

@queue.task
def patient_steps():
    context.progress(30, 100)
    while not Path("go").exists():
        time.sleep(0.01)

@queue.task
def deaf():
    Path("running").touch()
    time.sleep(60)
"""


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


class Cli:
    """A folder with an application, and commands that run in it."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.queue = TaskQueue(folder / "jobs.db", emit=lambda _event: None)
        self._capture = capture

    def __call__(self, *words: object) -> Ran:
        """Run a command in this process, with its output in a pipe."""
        self._capture.readouterr()
        code = app.run([str(word) for word in words])
        out, err = self._capture.readouterr()
        return Ran(code, out, err)

    def enqueue(self, function: str = "add", **fields: Any) -> int:
        """Store one task behind the command's back."""
        if "command" not in fields:
            fields = {"function": function} | ({"args": [1]} if function == "add" else {}) | fields
        return self.queue.enqueue(NewTask(**fields)).id

    def drain(self) -> None:
        """Run all that can run now."""
        queue = load_application("application:queue")
        queue.emit = lambda _event: None
        Worker(queue, concurrency=1).run(until_empty=True)
        queue.close()

    def lines(self, *tasks: object) -> str:
        """Write a file of JSON lines; returns its name. Text is taken as it is."""
        written = [task if isinstance(task, str) else json.dumps(task) for task in tasks]
        (self.folder / "tasks.jsonl").write_text("".join(f"{line}\n" for line in written))
        return "tasks.jsonl"

    def start(self, *words: object, **options: Any) -> "subprocess.Popen[str]":
        """Start a command as a process of its own."""
        options = {"stdout": PIPE, "stderr": PIPE, "text": True} | options
        return subprocess.Popen([*JOBRUNNER, *map(str, words)], cwd=self.folder, **options)

    def process(self, *words: object, **options: Any) -> Ran:
        """Run a command as a process of its own."""
        options = {"capture_output": True, "text": True, "cwd": self.folder} | options
        ended = subprocess.run([*JOBRUNNER, *map(str, words)], check=False, **options)
        return Ran(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("JOBRUNNER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JOBRUNNER_DB", "jobs.db")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    # `work` sets up logging for its process, which here is that of all tests.
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logger.level)
    monkeypatch.setattr(logger, "propagate", True)
    yield
    sys.modules.pop("application", None)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    (tmp_path / "application.py").write_text(APP)
    cli = Cli(tmp_path, capsys)
    yield cli
    cli.queue.close()


@pytest.fixture
def there(cli, server):
    """A folder with an application and a file of tasks, and an empty database of a server."""
    (cli.folder / "app.py").write_text(movers.APP)
    with server.database(empty=True) as url:
        yield url


@pytest.fixture(params=["from a file", "from a server"])
def places(request, there):
    """A place with tables, and an empty one."""
    if request.param == "from a file":
        return "jobs.db", there
    queue = TaskQueue(there)
    queue.upgrade()
    queue.close()
    return there, "jobs.db"
