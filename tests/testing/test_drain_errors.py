"""What a task raises comes out of a drain; what interrupts the test leaves nothing in progress."""

import signal

import pytest

from jobrunner import Cancel, Retry, Snooze, Status, UnknownFunctionError, context
from jobrunner.core.errors import TaskFailedError
from jobrunner.core.new_task import NewTask
from jobrunner.testing import drain


def test_a_tasks_error_comes_out_as_it_was_raised_and_after_it_was_settled(queue, log):
    error = KeyError("width")

    @queue.task
    def fail():
        raise error

    @queue.task
    def later():
        log.append("later")

    task = fail.enqueue()
    later.enqueue()
    with pytest.raises(KeyError) as raised:
        drain(queue)
    assert raised.value is error
    assert raised.traceback[-1].name == "fail"
    assert raised.value.__notes__ == [f"in task {task.id}, fail, attempt 1"]
    assert task.refresh().status is Status.SCHEDULED
    assert log == []
    drain(queue)
    assert log == ["later"]


def test_without_raise_errors_they_are_noted_and_the_drain_goes_on(queue):
    @queue.task(max_attempts=1)
    def fail(word):
        raise ValueError(word)

    fail.enqueue("one")
    fail.enqueue("two")
    drained = drain(queue, raise_errors=False)
    assert [str(error) for error in drained.errors] == ["one", "two"]
    assert drained.outcomes == {"failed": 2}


@pytest.mark.parametrize(
    ("request_", "outcome"),
    [(Snooze(5), "snoozed"), (Cancel("no"), "cancelled"), (Retry("again"), "failed")],
)
def test_what_a_task_asks_for_is_no_error(queue, request_, outcome):
    @queue.task(max_attempts=1)
    def ask():
        raise request_

    ask.enqueue()
    drained = drain(queue)
    assert drained.outcomes == {outcome: 1}
    assert drained.errors == []


def test_a_task_of_no_known_function_fails_as_in_production(queue):
    task = queue.enqueue(NewTask(function="gone"))
    with pytest.raises(UnknownFunctionError, match="'gone'"):
        drain(queue)
    assert task.refresh().status is Status.FAILED


def test_a_command_that_fails_is_raised_too(queue):
    queue.enqueue_command(["sh", "-c", "echo the reason >&2; exit 3"])
    with pytest.raises(TaskFailedError, match="exit code 3: the reason"):
        drain(queue)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), pytest.skip.Exception("no")])
def test_what_interrupts_the_test_gives_the_task_back(queue, interruption):
    @queue.task
    def interrupted():
        if context.attempt == 1 and not queue.history(context.task_id):
            raise interruption
        return "done"

    task = interrupted.enqueue()
    with pytest.raises(type(interruption)):
        drain(queue, raise_errors=False)
    given_back = task.refresh()
    assert (given_back.status, given_back.attempt) == (Status.PENDING, 0)
    drain(queue)
    assert task.result() == "done"


def test_what_is_being_handled_around_a_drain_is_none_of_its_tasks(queue):
    @queue.task
    def note():
        return "done"

    task = note.enqueue()
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        assert drain(queue).errors == []
    assert task.result() == "done"
