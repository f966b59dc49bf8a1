"""Real worker processes on a real database, with an application written for each test."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.worker import WorkerStatus
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.wakeup import Wakeup
from tests.lifecycle import processes
from tests.lifecycle.programs import APP, SCHEDULE, WORK

PATIENCE = 60.0
PIPE = 1024 * 1024
"""Bytes that a process may say before anybody reads it: with a full pipe it would stand still."""
SOON = 12.0
"""Seconds in which a busy machine does what is at once or has a short grace elsewhere; no grace
that was not asked for is as short, and nothing that a task waits for."""
SILENT = 4.0
"""Seconds without a beat after which a test's worker is lost: a busy machine keeps a worker that
lives from beating for one or two."""
LOOK_EVERY = 0.05
"""Seconds between two looks: a server tells of new work, and not of every commit."""


BUSY = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
"""The sessions of others that are in a transaction."""


class Stage:
    """A folder with an application, its queue as this process sees it, and its processes."""

    def __init__(self, folder: Path, location: str) -> None:
        self.folder = folder
        (folder / "app.py").write_text(f"LOCATION = {location!r}\n{APP}")
        self.queue = TaskQueue(location)
        self.processes: list[subprocess.Popen[str]] = []

    def write(self, program: str) -> None:
        """Add to the application."""
        with (self.folder / "app.py").open("a") as app:
            app.write(textwrap.dedent(program))

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a process whose descendants can all be found."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, processes.MARK: str(self.folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pipesize=PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def python(self, program: str) -> subprocess.Popen[str]:
        """Start a script beside the application."""
        script = self.folder / f"script{len(self.processes)}.py"
        script.write_text(program)
        return self.start(sys.executable, "-W", "error", str(script))

    def command(self, *arguments: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start the command line on the application; `before` is a command that starts it."""
        jobrunner = [sys.executable, "-m", "jobrunner", "-A", "app:queue"]
        return self.start(*before, *jobrunner, *arguments)

    def alive(self) -> set[int]:
        """Every living process that came of this stage."""
        return processes.marked(str(self.folder))

    def worker(self, limits: dict[str, Any] | None = None, **options: Any) -> subprocess.Popen[str]:
        options = {"concurrency": 2, "kill_grace": 0.3, "shutdown_grace": 0.5} | options
        return self.python(WORK.format(options=options, limits=limits or {}))

    def scheduler(
        self, limits: dict[str, Any] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        options = {"concurrency": 2, "kill_grace": 0.3, "shutdown_grace": 0.5} | options
        return self.python(SCHEDULE.format(options=options, limits=limits or {}))

    def enqueue(self, function: str, *args: Any, **options: Any) -> int:
        return self.queue.enqueue(NewTask(function=function, args=args, **options)).id

    def until(self, condition: Callable[[], Any], *, patience: float = PATIENCE) -> Any:
        """Wait until something holds, looking again when the database changes, and now and then."""
        found = self.holds(condition, patience=patience)
        assert found, self.said()
        return found

    def holds(self, condition: Callable[[], Any], *, patience: float) -> Any:
        """Wait as `until` does; returns what did not hold as well."""
        wakeup = Wakeup(self.queue.database.watch(), SystemClock())
        deadline = time.monotonic() + patience
        try:
            while not (found := condition()) and time.monotonic() < deadline:
                wakeup.wait(LOOK_EVERY)
        finally:
            wakeup.close()
        return found

    def running(self, task_id: int) -> str:
        """Wait until a task says that it runs; returns its worker's id."""
        self.until(lambda: self.queue.get(task_id).progress)
        return str(self.queue.get(task_id).worker_id)

    def pid_of(self, worker_id: str) -> int:
        return {worker.id: worker.pid for worker in self.queue.workers()}[worker_id]

    def freeze(self, *pids: int) -> None:
        """Stop processes in the open: in the middle of a write they would stop others too."""
        with self._nobody_writes() as in_the_open:
            while True:
                processes.send(signal.SIGSTOP, *pids)
                self.until(lambda: {processes.state(pid) for pid in pids} == {"T"})
                if in_the_open():
                    return
                processes.send(signal.SIGCONT, *pids)
                self.until(in_the_open)  # else they are stopped again before they have moved

    @contextlib.contextmanager
    def _nobody_writes(self) -> Iterator[Callable[[], bool]]:
        """A file keeps them out meanwhile; of a server it is asked afterwards."""
        database = self.queue.database
        if database.path:
            with database.writing():
                yield lambda: True
        else:
            yield lambda: not self.sql(BUSY)

    def sql(self, statement: str) -> list[Any]:
        with self.queue.database.reading() as transaction:
            return list(transaction.exec_driver_sql(statement).all())

    def said(self) -> list[str]:
        """What those that have ended said."""
        return [
            process.stdout.read()
            for process in self.processes
            if process.poll() is not None and process.stdout and not process.stdout.closed
        ]

    def outcomes(self, task_id: int) -> list[str]:
        return [record.outcome for record in self.queue.history(task_id)]

    def log(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().split() if log.exists() else []

    def rows(self, *tables: str) -> list[Any]:
        """Whole rows: what a late write must leave as they are."""
        tables = tables or ("tasks", "attempts", "progress", "dependencies", "workers")
        return [self.sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]  # noqa: S608

    def worker_status(self, worker_id: str) -> WorkerStatus:
        return {worker.id: worker.status for worker in self.queue.workers()}[worker_id]

    def nobody_is_running(self) -> bool:
        living = {WorkerStatus.RUNNING, WorkerStatus.STOPPING}
        return not any(worker.status in living for worker in self.queue.workers())

    def end(self) -> None:
        """Kill what is left, each with its group, and leave nothing but a sound database behind."""
        for process in self.processes:
            for send in (os.killpg, os.kill):
                try:
                    send(process.pid, signal.SIGKILL)
                except OSError:
                    continue
                break
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
        processes.send(signal.SIGKILL, *self.alive())
        problems = self.queue.check()
        self.queue.close()
        assert problems == []


@pytest.fixture
def stage(tmp_path: Path, location: str) -> Iterator[Stage]:
    stage = Stage(tmp_path, location)
    yield stage
    stage.end()


def finish(process: subprocess.Popen[str], *, patience: float = PATIENCE) -> str:
    """Wait for the end of a process, which must be in order; returns what it said."""
    said, _ = process.communicate(timeout=patience)
    assert process.returncode == 0, said
    return said


@pytest.fixture(name="finish")
def _finish() -> Callable[..., str]:
    return finish
