"""Every executor keeps the same promises: results, errors, progress, timeouts, cancels, snoozes."""

from datetime import timedelta

import pytest

from jobrunner.core.events import TaskSettled
from jobrunner.core.status import Status
from tests.runtime import functions as f
from tests.runtime.support import outcomes, until

EXECUTORS = ["thread", "process", "async"]

pytestmark = pytest.mark.parametrize("executor", EXECUTORS)


@pytest.fixture
def running(queue):
    """Enqueue a task and wait until it says that it runs."""

    def start(function, start_worker, executor, **options):
        task = queue.enqueue(function.using(**options).bind())
        started = start_worker(executor=executor)
        until(queue, lambda: queue.get(task.id).progress)
        return task, started

    return start


@pytest.mark.parametrize("function", [f.add, f.add_async], ids=["def", "async def"])
def test_what_a_function_returns_is_its_result(queue, drain, executor, function):
    task = queue.enqueue(function.bind(2, right=3))
    drain(executor=executor)
    assert task.result() == 5
    assert outcomes(queue, task.id) == ["completed"]


@pytest.mark.parametrize("function", [f.fail, f.fail_async], ids=["def", "async def"])
def test_what_a_function_raises_is_its_error(queue, drain, executor, function):
    task = queue.enqueue(function.using(max_attempts=1).bind("boom"))
    drain(executor=executor)
    assert queue.get(task.id).status is Status.FAILED
    (record,) = queue.history(task.id)
    assert record.error == "ValueError: boom"
    assert "raise ValueError(text)" in record.traceback
    assert "perform" not in record.traceback


@pytest.mark.parametrize(
    "function", [f.report_twice, f.report_twice_async], ids=["def", "async def"]
)
def test_progress_and_checkpoints_are_stored(queue, drain, executor, function):
    task = queue.enqueue(function.bind())
    drain(executor=executor)
    task = task.refresh()
    assert task.returned == f"{task.id}:1:1"
    assert (task.progress.done, task.progress.total, task.progress.note) == (1, 2, "half")


@pytest.mark.parametrize("function", [f.snooze_once, f.snooze_once_async], ids=["def", "async def"])
def test_a_snooze_gives_the_attempt_back(queue, drain, executor, function):
    task = queue.enqueue(function.bind(0.01))
    drain(executor=executor)
    assert task.result() == 1
    assert outcomes(queue, task.id) == ["snoozed", "completed"]


@pytest.mark.parametrize(
    "function", [f.obey, f.await_forever, f.spin, f.block], ids=lambda function: function.name
)
def test_a_task_that_overruns_its_timeout_is_over(queue, start_worker, running, executor, function):
    task, _ = running(function, start_worker, executor, timeout=0.2, max_attempts=1)
    ended = queue.wait([task], timeout=20)[0]
    assert ended.status is Status.FAILED
    assert ended.error == "ran longer than 0.2 s"
    assert outcomes(queue, task.id) == ["timed_out"]


@pytest.mark.parametrize(
    "function", [f.obey, f.await_forever, f.spin, f.block], ids=lambda function: function.name
)
def test_a_running_task_can_be_cancelled(queue, start_worker, running, executor, function):
    task, _ = running(function, start_worker, executor)
    assert queue.cancel(task.id) is Status.IN_PROGRESS
    ended = queue.wait([task], timeout=20)[0]
    assert ended.status is Status.CANCELLED
    assert ended.error == "cancelled on request"


@pytest.mark.parametrize(
    "function", [f.obey, f.await_forever, f.spin, f.block], ids=lambda function: function.name
)
def test_what_is_unfinished_at_a_stop_is_given_back(
    queue, start_worker, running, executor, function
):
    task, started = running(function, start_worker, executor)
    started.stop()
    started.join()
    given_back = queue.get(task.id)
    assert (given_back.status, given_back.attempt) == (Status.PENDING, 0)
    assert outcomes(queue, task.id) == ["released"]


@pytest.mark.parametrize(
    "function", [f.fail_without_words, f.fail_without_words_async], ids=["def", "async def"]
)
def test_an_exception_that_cannot_be_told_is_a_failure_too(queue, drain, executor, function):
    task = queue.enqueue(function.using(max_attempts=1).bind())
    drain(executor=executor)
    assert queue.get(task.id).error == "UnspeakableError"


def test_a_function_that_its_process_cannot_survive_does_not_stop_others(queue, drain, executor):
    if executor == "process":
        pill = queue.enqueue(f.exit_process.bind(3))
    innocent = queue.enqueue_many([f.add.bind(n, n) for n in range(20)])
    drain(executor=executor)
    assert [task.result() for task in innocent] == [2 * n for n in range(20)]
    if executor == "process":
        assert outcomes(queue, pill.id) == ["crashed"] * 5


def test_a_result_that_is_no_json_fails_at_once(queue, drain, executor, events):
    task = queue.enqueue(f.no_json.bind())
    drain(executor=executor)
    assert "result is not JSON" in queue.get(task.id).error
    assert events.of(TaskSettled, task_id=task.id)[0].outcome == "failed"
    assert outcomes(queue, task.id) == ["failed"]


@pytest.mark.parametrize(
    "function", [f.snooze_for, f.retry_after], ids=lambda function: function.name
)
def test_a_wait_beyond_the_calendar_is_cut_to_100_years(queue, start_worker, executor, function):
    task = queue.enqueue(function.bind(900_000_000))
    start_worker(executor=executor)
    until(queue, lambda: queue.get(task.id).status is Status.SCHEDULED)
    after = queue.get(task.id)
    assert timedelta(days=36_000) < after.run_at - after.created_at < timedelta(days=37_000)
