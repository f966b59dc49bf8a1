"""What every executor promises, as pytest classes to inherit from: the conformance kit."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobrunner.core.events import Event, WorkerStopping, WorkerTrouble
from jobrunner.core.status import Status
from jobrunner.core.verdict import MAX_CRASHES
from jobrunner.runtime.worker import Worker
from jobrunner.task_queue import TaskQueue
from jobrunner.testing import executor_functions as f
from jobrunner.testing.executor_setting import (
    PATIENCE,
    Run,
    Setting,
    Start,
    has_begun,
    outcomes,
    until,
)


def both(plain: Any, other: Any) -> pytest.MarkDecorator:
    """Run a test with a function and with its `async def` twin."""
    return pytest.mark.parametrize("function", [plain, other], ids=["def", "async def"])


stuck = pytest.mark.parametrize(
    "function", [f.obey, f.await_forever, f.spin, f.hang], ids=lambda function: function.name
)
"""Run a test with functions that end only when they are asked, raised into, or let go."""


class ExecutorPromises(Setting):
    """Inherit, and name your executor. A promise that it cannot keep is set to `None`."""

    @both(f.add, f.add_async)
    def test_what_a_function_returns_is_its_result(
        self, queue: TaskQueue, worker: Callable[[], Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.bind(2, right=3))
        worker().run(until_empty=True)
        assert task.result() == 5
        assert outcomes(queue, task) == ["completed"]

    @both(f.fail, f.fail_async)
    def test_what_a_function_raises_is_its_error(
        self, queue: TaskQueue, worker: Callable[[], Worker], function: Any
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
        self, queue: TaskQueue, worker: Callable[[], Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.using(max_attempts=1).bind())
        worker().run(until_empty=True)
        assert queue.get(task.id).error == "UnspeakableError"

    def test_a_result_that_is_no_json_fails_at_once(
        self, queue: TaskQueue, worker: Callable[[], Worker]
    ) -> None:
        task = queue.enqueue(f.no_json.bind())
        worker().run(until_empty=True)
        assert "result is not JSON" in (queue.get(task.id).error or "")
        assert outcomes(queue, task) == ["failed"]

    @both(f.report_twice, f.report_twice_async)
    def test_progress_and_checkpoints_are_stored(
        self, queue: TaskQueue, worker: Callable[[], Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.bind())
        worker().run(until_empty=True)
        task = queue.get(task.id)
        assert task.returned == f"{task.id}:1:1"
        assert task.progress is not None
        assert (task.progress.done, task.progress.total, task.progress.note) == (1, 2, "half")

    @both(f.snooze_once, f.snooze_once_async)
    def test_a_snooze_gives_the_attempt_back(
        self, queue: TaskQueue, worker: Callable[[], Worker], function: Any
    ) -> None:
        task = queue.enqueue(function.bind(0.01))
        worker().run(until_empty=True)
        assert task.result() == 1
        assert outcomes(queue, task) == ["snoozed", "completed"]

    @pytest.mark.parametrize(
        "function", [f.snooze_for, f.retry_after], ids=lambda function: function.name
    )
    def test_a_wait_beyond_the_calendar_is_cut_to_100_years(
        self, queue: TaskQueue, worker: Callable[[], Worker], function: Any
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

    def test_a_task_can_be_cancelled_before_it_has_begun(
        self, queue: TaskQueue, worker: Callable[[], Worker], run: Run
    ) -> None:
        run(worker())
        task = queue.enqueue(f.obey.bind())
        until(queue, lambda: queue.get(task.id).status is Status.IN_PROGRESS)
        assert queue.cancel(task.id) is Status.IN_PROGRESS
        after = queue.enqueue(f.add.bind(2, 3))
        ended, _ = queue.wait([task, after], timeout=PATIENCE)
        assert (ended.status, after.result()) == (Status.CANCELLED, 5)

    def test_as_many_run_at_a_time_as_there_is_room_for_and_no_more_are_claimed(
        self, queue: TaskQueue, worker: Callable[[], Worker], run: Run, executor_room: int
    ) -> None:
        tasks = queue.enqueue_many([f.obey.bind() for _ in range(executor_room + 2)])
        run(worker())
        until(queue, lambda: sum(has_begun(queue.get(task.id)) for task in tasks) == executor_room)
        assert queue.counts()[Status.IN_PROGRESS] == executor_room
        for task in tasks:
            queue.cancel(task.id)
        ended = queue.wait(tasks, timeout=PATIENCE)
        assert {task.status for task in ended} == {Status.CANCELLED}

    def test_a_command_runs_beside_on_the_host_of_the_worker(
        self, queue: TaskQueue, worker: Callable[[], Worker]
    ) -> None:
        task = queue.enqueue_command([sys.executable, "-c", "print('here')"])
        worker().run(until_empty=True)
        assert task.result() == 0


class CrashPromises(Setting):
    """To be inherited too where functions run in other processes than the worker's own."""

    def test_a_function_that_kills_its_process_is_started_so_often_and_no_more(
        self, queue: TaskQueue, worker: Callable[[], Worker], tmp_path: Path
    ) -> None:
        pill = queue.enqueue(f.die.bind(str(tmp_path)))
        innocent = queue.enqueue_many([f.add.bind(n, n) for n in range(20)])
        worker().run(until_empty=True)
        assert [task.result() for task in innocent] == [2 * n for n in range(20)]
        assert outcomes(queue, pill) == ["crashed"] * MAX_CRASHES
        assert len(list(tmp_path.glob("start-*"))) == MAX_CRASHES


class TroublePromises(Setting):
    """To be inherited alone, with options of an engine that cannot be reached."""

    def test_a_worker_tells_what_is_wrong_claims_nothing_and_ends_when_told_to(
        self, queue: TaskQueue, worker: Callable[[], Worker], run: Run, told: list[Event]
    ) -> None:
        task = queue.enqueue(f.add.bind(2, 3))
        run(worker())
        until(queue, lambda: any(isinstance(event, WorkerTrouble) for event in told))
        assert queue.get(task.id).status is Status.PENDING

    def test_a_worker_ends_when_nothing_is_left(
        self, worker: Callable[[], Worker], told: list[Event]
    ) -> None:
        assert worker().run(until_empty=True, duration=PATIENCE) == 0
        assert not [event for event in told if isinstance(event, WorkerStopping)]
