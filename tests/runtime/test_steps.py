"""A step runs once for the task, whatever becomes of its attempts and wherever they run."""

import pytest

from jobrunner import Status
from tests.runtime import durable as d
from tests.runtime.support import outcomes

EXECUTORS = ["thread", "async", "process"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notes"


def lines(path):
    return path.read_text().split() if path.exists() else []


@pytest.mark.parametrize("function", [d.two_steps, d.two_steps_async], ids=["plain", "coroutine"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_later_attempt_skips_what_is_done(queue, drain, path, executor, function):
    task = queue.enqueue(function.bind(str(path)))
    drain(executor=executor)
    assert queue.get(task.id).returned == ["1", "2"]
    assert outcomes(queue, task.id) == ["failed", "completed"]
    assert lines(path) == ["1", "2"]


def test_steps_of_a_task_are_gone_with_it_and_no_other_task_sees_them(queue, drain, path):
    for _ in range(2):
        queue.enqueue(d.two_steps.bind(str(path)))
    drain()
    assert sorted(lines(path)) == ["1", "1", "2", "2"]


def test_the_first_attempt_sees_what_a_later_one_would(queue, drain):
    task = queue.enqueue(d.tuple_step.bind())
    drain()
    assert queue.get(task.id).returned == 1


def error_of(queue, drain, new, **options):
    task = queue.enqueue(new)
    drain(**options)
    failed = queue.get(task.id)
    assert failed.status is Status.FAILED
    return failed.error


def test_two_steps_of_one_name_are_refused(queue, drain):
    error = error_of(queue, drain, d.same_name_twice.using(max_attempts=1).bind())
    assert error == "StepError: two steps of this task are named 'a'"


def test_a_step_that_failed_may_be_tried_again_in_the_same_attempt(queue, drain, path):
    task = queue.enqueue(d.again_after_a_failure.bind(str(path)))
    drain()
    assert queue.get(task.id).returned == "ran"


@pytest.mark.parametrize("name", ["", "x" * 501, 7, "event:approved"])
def test_a_name_that_cannot_be_one_is_refused(queue, drain, name):
    assert "step" in error_of(queue, drain, d.step_named.using(max_attempts=1).bind(name))


def test_a_function_that_gives_something_to_await_is_refused(queue, drain):
    error = error_of(queue, drain, d.unawaited_step.using(max_attempts=1).bind())
    assert error == "StepError: the step 'a' gave something to await"


def test_a_result_that_cannot_be_stored_is_not_tried_again(queue, drain, path):
    error = error_of(queue, drain, d.step_of_no_json.bind(str(path)))
    assert error.startswith("PayloadError: of the step 'a': result is not JSON")
    assert lines(path) == ["ran"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_step_in_a_plain_transaction_is_refused(queue, drain, executor):
    new = d.step_in_their_transaction.using(max_attempts=1).bind(queue.database.location)
    error = error_of(queue, drain, new, executor=executor)
    assert error == "OpenTransactionError: a step cannot be stored inside a transaction"
