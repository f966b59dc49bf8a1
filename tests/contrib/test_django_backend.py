"""What Django's own tests expect of a backend, on both databases; told in our words."""

import asyncio
import logging
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from jobrunner import NewTask
from jobrunner.contrib.django import Backend
from jobrunner.contrib.django.framework import InvalidTask, base, exceptions, signals, tasks
from tests.contrib.shop import tasks as shop

READY, RUNNING, FAILED, SUCCESSFUL = (
    base.TaskResultStatus[name] for name in ("READY", "RUNNING", "FAILED", "SUCCESSFUL")
)


def assert_fresh(result, task, *args, **kwargs):
    assert result.status == READY
    assert not result.is_finished
    assert result.enqueued_at is not None
    assert (result.started_at, result.last_attempted_at, result.finished_at) == (None,) * 3
    with pytest.raises(ValueError, match="Task has not finished yet"):
        _ = result.return_value
    assert result.task == task
    assert (result.args, result.kwargs) == (list(args), kwargs)
    assert (result.attempts, result.errors, result.worker_ids) == (0, [], [])


def assert_ended(result, status):
    assert result.status == status
    assert result.is_finished
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at >= result.started_at
    assert result.attempts == len(result.worker_ids) == 1


def test_it_is_the_backend_that_the_settings_name(project):
    assert isinstance(project.backend, Backend)
    assert tasks.default_task_backend == project.backend
    assert project.backend.alias == "default"
    assert project.backend.options == {"database": project.location}
    assert list(project.backend.check()) == []


def test_it_has_all_four_features():
    for feature in ("defer", "async_task", "get_result", "priority"):
        assert getattr(Backend, f"supports_{feature}") is True


@pytest.mark.parametrize("task", [shop.noop, shop.noop_async], ids=["plain", "async"])
def test_a_task_is_stored_run_and_told(project, task):
    result = task.enqueue(1, two=3)
    assert_fresh(result, task, 1, two=3)
    again = project.backend.get_result(result.id)
    assert again == result
    assert_fresh(again, task, 1, two=3)
    project.work()
    assert result.status == READY
    result.refresh()
    assert_ended(result, SUCCESSFUL)
    assert result.return_value is None


def test_it_can_all_be_awaited(project):
    async def program():
        result = await shop.noop_async.aenqueue(1)
        assert_fresh(result, shop.noop_async, 1)
        assert await project.backend.aget_result(result.id) == result
        await asyncio.to_thread(project.work)
        await result.arefresh()
        return result

    assert_ended(asyncio.run(program()), SUCCESSFUL)


def test_a_result_is_what_the_function_returned(project):
    results = [shop.meaning_of_life.enqueue(), shop.double.enqueue(4), shop.send.enqueue("ada")]
    project.work()
    for result in results:
        result.refresh()
    assert [result.return_value for result in results] == [42, 8, "sent to ada"]
    stored = shop.send.get_result(results[2].id)
    assert (stored.task.queue_name, stored.task.priority) == ("mail", 5)
    assert stored.task == shop.send


@pytest.mark.parametrize("unknown", ["123", "no number", "", None, "9" * 30])
def test_what_is_not_there_is_said_to_be_missing(project, unknown):
    with pytest.raises(exceptions.TaskResultDoesNotExist):
        project.backend.get_result(unknown)
    with pytest.raises(exceptions.TaskResultDoesNotExist):
        asyncio.run(project.backend.aget_result(unknown))


def test_a_row_that_is_no_task_of_django_has_no_result(project):
    for new in (NewTask(command=["true"]), NewTask(function="os.getpid")):
        with pytest.raises(exceptions.TaskResultDoesNotExist):
            project.backend.get_result(project.behind_it(new))


def test_a_result_of_another_task_is_refused(project):
    result = shop.noop.enqueue()
    with pytest.raises(exceptions.TaskResultMismatch):
        shop.fail.get_result(result.id)


@pytest.mark.parametrize(
    ("task", "raised", "last"),
    [
        (shop.fail, ValueError, "ValueError: out of stock\n"),
        (shop.leave, SystemExit, "SystemExit: closed\n"),
        (shop.fail_within, ValueError, "ValueError: inside\n"),
        (shop.fail_in_many_words, shop.StockError, "really\n"),
        (shop.fail_together, ExceptionGroup, "-----\n"),
        (shop.odd_result, TypeError, "Unsupported type: <class 'type'>\n"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_an_error_is_told_with_its_class_and_traceback(project, task, raised, last):
    result = task.enqueue()
    project.work()
    result.refresh()
    assert_ended(result, FAILED)
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value
    assert [error.exception_class for error in result.errors] == [raised]
    assert "Traceback (most recent call last):\n" in result.errors[0].traceback
    assert result.errors[0].traceback.endswith(last)


def test_a_cancelled_task_has_failed(project):
    result = shop.noop.using(run_after=timezone.now() + timedelta(hours=1)).enqueue()
    project.queue.cancel(int(result.id))
    result.refresh()
    assert result.status == FAILED
    assert len(result.errors) == 1
    assert issubclass(result.errors[0].exception_class, Exception)


def test_a_task_waits_for_its_time(project):
    later = timezone.now() + timedelta(hours=1)
    past = timezone.now() - timedelta(hours=1)
    waits, runs = (shop.noop.using(run_after=at).enqueue() for at in (later, past))
    again = project.backend.get_result(waits.id)
    assert (again.status, again.task.run_after) == (READY, later)
    project.work(max_tasks=1)
    waits.refresh()
    runs.refresh()
    assert (waits.status, runs.status) == (READY, SUCCESSFUL)
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        shop.noop.using(run_after=datetime(2030, 1, 1))  # noqa: DTZ001 — what is refused


def test_higher_priorities_run_first(project):
    started = []

    def hear(task_result, **_):
        started.append(task_result.task.priority)

    for priority in (0, -100, 100, 7):
        shop.noop.using(priority=priority).enqueue()
    signals.task_started.connect(hear)
    try:
        project.work()
    finally:
        signals.task_started.disconnect(hear)
    assert started == [100, 7, 0, -100]
    for wrong in (101, -101, 3.1):
        with pytest.raises(InvalidTask, match="priority must be a whole number"):
            shop.noop.using(priority=wrong)


def test_an_argument_that_is_not_json_is_refused_and_nothing_stored(project):
    with pytest.raises(TypeError, match="Unsupported type"):
        shop.noop.enqueue(datetime.now(tz=timezone.get_current_timezone()))
    with pytest.raises(TypeError, match="Unsupported type"):
        asyncio.run(shop.noop.aenqueue(object()))
    assert sum(project.queue.counts().values()) == 0


def test_a_context_knows_its_result_and_its_attempt(project):
    first, second = shop.own_id.enqueue(), shop.own_attempt.enqueue(1)
    project.work()
    first.refresh()
    second.refresh()
    assert first.return_value == first.id
    assert second.return_value == 1
    with pytest.raises(InvalidTask, match="takes context"):
        shop.task(takes_context=True)(shop.meaning_of_life.func)


def test_the_log_tells_of_each_step(project, caplog):
    caplog.set_level(logging.DEBUG, tasks.__name__)
    good, bad = shop.noop.enqueue(), shop.fail.enqueue()
    project.work()
    lines = [one.getMessage() for one in caplog.records if one.name == tasks.__name__]
    for result, status in ((good, "SUCCESSFUL"), (bad, "FAILED")):
        told = [line for line in lines if f"id={result.id} " in line]
        assert "enqueued" in told[0]
        assert "state=RUNNING" in told[1]
        assert f"state={status}" in told[2]
        assert len(told) == 3
    assert not any("NoneType" in line for line in lines)
