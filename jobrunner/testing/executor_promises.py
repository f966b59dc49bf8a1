"""What every executor promises, as pytest classes to inherit from: the conformance kit."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jobrunner.core.status import Status
from jobrunner.core.task import NewTask, Task
from jobrunner.core.verdict import MAX_CRASHES
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.runtime.worker import Worker
from jobrunner.task_queue import TaskQueue
from jobrunner.testing import executor_functions as f

PATIENCE = 30.0
"""Seconds after which a wait fails its test."""

QUICK: Mapping[str, Any] = {"concurrency": 2, "kill_grace": 0.2, "shutdown_grace": 0.2}

Start = Callable[[NewTask[Any]], tuple[Task[Any], Worker]]


def both(plain: Any, other: Any) -> pytest.MarkDecorator:
    """Run a test with a function and with its `async def` twin."""
    return pytest.mark.parametrize("function", [plain, other], ids=["def", "async def"])


stuck = pytest.mark.parametrize(
    "function", [f.obey, f.await_forever, f.spin, f.hang], ids=lambda function: function.name
)
"""Run a test with functions that end only when they are asked, raised into, or let go."""


class ExecutorPromises:
    """Inherit, and name your executor. A promise that it cannot keep is set to `None`."""

    executor: ClassVar[str]

    @pytest.fixture
    def executor_options(self) -> Mapping[str, str]:
        """What the executor is made with; override it."""
        return {}

    @pytest.fixture
    def jobrunner_location(self, tmp_path: Path) -> str:
        """Where the database is; override it to test on a server."""
        return str(tmp_path / "jobs.db")

    @pytest.fixture
    def queue(self, jobrunner_location: str) -> Iterator[TaskQueue]:
        """A queue that must be sound at the test's end."""
        queue = TaskQueue(jobrunner_location)
        for name in f.functions.registry.names:
            queue.registry.add(f.functions.registry.get(name))
        yield queue
        assert queue.check() == []
        queue.close()

    @pytest.fixture
    def worker(
        self, queue: TaskQueue, executor_options: Mapping[str, str]
    ) -> Callable[..., Worker]:
        """Make a worker with this executor."""

        def make(**settings: Any) -> Worker:
            named: dict[str, Any] = {
                "executor": self.executor,
                "executor_options": executor_options,
            }
            return Worker(queue, **{**QUICK, **named, **settings})

        return make

    @pytest.fixture
    def start(self, queue: TaskQueue, worker: Callable[..., Worker]) -> Iterator[Start]:
        """Enqueue a task, start a worker in a thread, and wait until the task runs."""
        with ExitStack() as stack:

            def start(new: NewTask[Any]) -> tuple[Task[Any], Worker]:
                task, working = queue.enqueue(new), worker()
                thread = threading.Thread(target=working.run, daemon=True)
                thread.start()
                stack.callback(_end, working, thread)
                until(queue, lambda: has_begun(queue.get(task.id)))
                return task, working

            yield start

    @both(f.add, f.add_async)
    def test_what_a_function_returns_is_its_result(
        self, queue: TaskQueue, worker: Callable[..., Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.bind(2, right=3))
        worker().run(until_empty=True)
        assert task.result() == 5
        assert outcomes(queue, task) == ["completed"]

    @both(f.fail, f.fail_async)
    def test_what_a_function_raises_is_its_error(
        self, queue: TaskQueue, worker: Callable[..., Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.using(max_attempts=1).bind("boom"))
        worker().run(until_empty=True)
        assert queue.get(task.id).status is Status.FAILED
        (record,) = queue.history(task.id)
        assert record.error == "ValueError: boom"
        assert record.traceback is not None
        assert "raise ValueError(text)" in record.traceback
        assert "perform" not in record.traceback

    @both(f.fail_without_words, f.fail_without_words_async)
    def test_an_exception_that_cannot_be_told_is_a_failure_too(
        self, queue: TaskQueue, worker: Callable[..., Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.using(max_attempts=1).bind())
        worker().run(until_empty=True)
        assert queue.get(task.id).error == "UnspeakableError"

    def test_a_result_that_is_no_json_fails_at_once(
        self, queue: TaskQueue, worker: Callable[..., Worker]
    ) -> None:
        task = queue.enqueue(f.no_json.bind())
        worker().run(until_empty=True)
        assert "result is not JSON" in (queue.get(task.id).error or "")
        assert outcomes(queue, task) == ["failed"]

    @both(f.report_twice, f.report_twice_async)
    def test_progress_and_checkpoints_are_stored(
        self, queue: TaskQueue, worker: Callable[..., Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.bind())
        worker().run(until_empty=True)
        task = queue.get(task.id)
        assert task.returned == f"{task.id}:1:1"
        assert task.progress is not None
        assert (task.progress.done, task.progress.total, task.progress.note) == (1, 2, "half")

    @both(f.snooze_once, f.snooze_once_async)
    def test_a_snooze_gives_the_attempt_back(
        self, queue: TaskQueue, worker: Callable[..., Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.bind(0.01))
        worker().run(until_empty=True)
        assert task.result() == 1
        assert outcomes(queue, task) == ["snoozed", "completed"]

    @pytest.mark.parametrize(
        "function", [f.snooze_for, f.retry_after], ids=lambda function: function.name
    )
    def test_a_wait_beyond_the_calendar_is_cut_to_100_years(
        self, queue: TaskQueue, worker: Callable[..., Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.bind(900_000_000))
        worker().run(max_tasks=1)
        after = queue.get(task.id)
        assert after.status is Status.SCHEDULED
        assert timedelta(days=36_000) < after.run_at - after.created_at < timedelta(days=37_000)

    @stuck
    def test_a_task_that_overruns_its_timeout_is_over(
        self, queue: TaskQueue, start: Start, function: Any
    ) -> None:
        task, _ = start(function.using(timeout=0.2, max_attempts=1).bind())
        (ended,) = queue.wait([task], timeout=PATIENCE)
        assert (ended.status, ended.error) == (Status.FAILED, "ran longer than 0.2 s")
        assert outcomes(queue, task) == ["timed_out"]

    @stuck
    def test_a_running_task_can_be_cancelled(
        self, queue: TaskQueue, start: Start, function: Any
    ) -> None:
        task, _ = start(function.bind())
        assert queue.cancel(task.id) is Status.IN_PROGRESS
        (ended,) = queue.wait([task], timeout=PATIENCE)
        assert (ended.status, ended.error) == (Status.CANCELLED, "cancelled on request")

    @stuck
    def test_what_is_unfinished_at_a_stop_is_given_back(
        self, queue: TaskQueue, start: Start, function: Any
    ) -> None:
        task, working = start(function.bind())
        working.stop()
        until(queue, lambda: queue.get(task.id).status is Status.PENDING)
        assert queue.get(task.id).attempt == 0
        assert outcomes(queue, task) == ["released"]

    def test_a_command_runs_beside_on_the_host_of_the_worker(
        self, queue: TaskQueue, worker: Callable[..., Worker]
    ) -> None:
        task = queue.enqueue_command([sys.executable, "-c", "print('here')"])
        worker().run(until_empty=True)
        assert task.result() == 0


class CrashPromises:
    """To be inherited too where functions run in other processes than the worker's own."""

    def test_a_function_that_kills_its_process_is_started_so_often_and_no_more(
        self, queue: TaskQueue, worker: Callable[..., Worker], tmp_path: Path
    ) -> None:
        pill = queue.enqueue(f.die.bind(str(tmp_path)))
        innocent = queue.enqueue_many([f.add.bind(n, n) for n in range(20)])
        worker().run(until_empty=True)
        assert [task.result() for task in innocent] == [2 * n for n in range(20)]
        assert outcomes(queue, pill) == ["crashed"] * MAX_CRASHES
        assert len(list(tmp_path.glob("start-*"))) == MAX_CRASHES


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
