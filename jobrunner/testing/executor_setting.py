"""A queue, and workers with the executor that is put to the test, for the conformance kit."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jobrunner.core.events import Event
from jobrunner.core.new_task import NewTask
from jobrunner.core.task import Task
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.options import Executor
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.runtime.worker import Worker
from jobrunner.task_queue import TaskQueue
from jobrunner.testing import executor_functions as f

PATIENCE = 60.0
"""Seconds after which a wait fails its test."""

QUICK: Mapping[str, Any] = {"kill_grace": 0.2, "shutdown_grace": 0.2}

Run = Callable[[Worker], None]
Start = Callable[[NewTask[Any]], tuple[Task[Any], Worker]]


class Setting:
    """What the promises are kept in; `executor` names what keeps them."""

    executor: ClassVar[str]

    @pytest.fixture
    def executor_options(self) -> Mapping[str, str]:
        """What the executor is made with; override it."""
        return {}

    @pytest.fixture
    def executor_room(self) -> int:
        """How many tasks it runs at a time when made so, 2 or more; override it."""
        return 2

    @pytest.fixture
    def jobrunner_location(self, tmp_path: Path) -> str:
        """Where the database is; override it to test on a server."""
        return str(tmp_path / "jobs.db")

    @pytest.fixture
    def told(self) -> list[Event]:
        """The events of the queue, as they come."""
        return []

    @pytest.fixture
    def queue(self, jobrunner_location: str, told: list[Event]) -> Iterator[TaskQueue]:
        """A queue that must be sound at the test's end."""
        queue = TaskQueue(jobrunner_location, emit=told.append)
        for name in f.functions.registry.names:
            queue.registry.add(f.functions.registry.get(name))
        yield queue
        assert queue.check() == []
        queue.close()

    @pytest.fixture
    def worker(
        self, queue: TaskQueue, executor_options: Mapping[str, str], executor_room: int
    ) -> Callable[[], Worker]:
        """Make a worker with this executor."""
        # A plug-in is asked for its room: what a worker may run beyond it must change nothing.
        beyond = 0 if self.executor in set(Executor) else 2

        def make() -> Worker:
            return Worker(
                queue,
                executor=self.executor,
                executor_options=executor_options,
                concurrency=executor_room + beyond,
                **QUICK,
            )

        return make

    @pytest.fixture
    def run(self) -> Iterator[Run]:
        """Run a worker in a thread until the test's end."""
        with ExitStack() as stack:

            def run(working: Worker) -> None:
                thread = threading.Thread(target=working.run, daemon=True)
                thread.start()
                stack.callback(_end, working, thread)

            yield run

    @pytest.fixture
    def start(self, queue: TaskQueue, worker: Callable[[], Worker], run: Run) -> Start:
        """Enqueue a task, start a worker, and wait until the task runs."""

        def start(new: NewTask[Any]) -> tuple[Task[Any], Worker]:
            task, working = queue.enqueue(new), worker()
            run(working)
            until(queue, lambda: has_begun(queue.get(task.id)))
            return task, working

        return start


def outcomes(queue: TaskQueue, task: Task[Any]) -> list[str]:
    """How the attempts of a task have ended."""
    return [record.outcome for record in queue.history(task.id)]


def has_begun(task: Task[Any]) -> bool:
    """Whether it says that it runs, or was over before it could say so."""
    return task.progress is not None or task.status.is_final


def until(queue: TaskQueue, condition: Callable[[], Any]) -> None:
    """Wait until something holds, looking again whenever the database changes."""
    clock = SystemClock()
    wakeup = Wakeup(queue.database.watch(), clock)
    deadline = clock.monotonic() + PATIENCE
    try:
        while not condition():
            assert clock.monotonic() < deadline, "it did not come to hold"
            wakeup.wait(0.2)
    finally:
        wakeup.close()


def _end(working: Worker, thread: threading.Thread) -> None:
    working.stop()
    working.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the worker does not end"
