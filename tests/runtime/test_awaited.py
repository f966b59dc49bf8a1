"""A task that waits for an event occupies no worker, and misses none."""

import contextlib
from datetime import timedelta

import pytest

from jobrunner import Status, TaskNotFoundError, TaskStateError, Worker
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.sent import EventWait
from tests.runtime import durable as d
from tests.runtime.support import outcomes, until

EXECUTORS = ["thread", "async", "process"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notes"


def run_one(queue, **options):
    """Work until one attempt is settled."""
    return Worker(queue, concurrency=1, **options).run(max_tasks=1)


@pytest.mark.parametrize("function", [d.await_event, d.await_event_async])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_it_starts_again_when_the_event_is_sent(queue, drain, path, executor, function):
    task = queue.enqueue(function.bind(str(path)))
    run_one(queue, executor=executor)
    waiting = queue.get(task.id)
    assert (waiting.status, waiting.attempt) == (Status.SCHEDULED, 0)
    (wait,) = queue.events.waits(task=task.id)
    assert wait == EventWait(name="approved", task_id=task.id, since=wait.since, until=None)
    assert queue.events.send("approved", {"by": "Ada"}) == 1
    drain(executor=executor)
    assert queue.get(task.id).returned == {"by": "Ada"}
    assert outcomes(queue, task.id) == ["waiting", "completed"]
    assert path.read_text() == "before\n"
    assert queue.events.waits() == []


def test_an_idle_worker_is_woken_by_the_event(queue, start_worker, path):
    task = queue.enqueue(d.await_event.bind(str(path)))
    start_worker()
    until(queue, lambda: outcomes(queue, task.id) == ["waiting"])
    queue.events.send("approved", 1, task=task)
    assert task.wait(timeout=30).returned == 1


def test_an_event_may_come_first(queue, drain, path):
    queue.events.send("approved", [1, 2])
    task = queue.enqueue(d.await_event.bind(str(path)))
    drain()
    assert queue.get(task.id).returned == [1, 2]
    assert outcomes(queue, task.id) == ["completed"]


def test_an_event_to_one_task_is_for_no_other_and_comes_before_one_to_all(queue, drain, path):
    one, other = (queue.enqueue(d.await_event.bind(str(path))) for _ in range(2))
    run_one(queue)
    run_one(queue)
    assert queue.events.send("approved", "mine", task=one) == 1
    run_one(queue)
    assert queue.get(one.id).returned == "mine"
    assert queue.get(other.id).status is Status.SCHEDULED
    assert queue.events.send("approved", "all") == 1
    queue.events.send("approved", "his", task=other)
    drain()
    assert queue.get(other.id).returned == "his"


def test_what_was_received_once_stays(queue, drain, path):
    queue.events.send("approved", 1)
    task = queue.enqueue(d.receive_and_fail.bind(str(path)))
    run_one(queue)
    queue.events.send("approved", 2)
    drain()
    assert queue.get(task.id).returned == [1, 1]
    assert path.read_text() == "1\n1\n"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_wait_ends_in_time(queue, drain, path, executor):
    task = queue.enqueue(d.await_event.bind(str(path), timeout=0.2))
    drain(executor=executor)
    failed = queue.get(task.id)
    assert failed.error == "EventTimeoutError: the event 'approved' was not sent in time"
    assert outcomes(queue, task.id) == ["waiting", "failed"]


def test_after_a_retry_by_hand_it_waits_anew(queue, drain, path):
    task = queue.enqueue(d.await_event.bind(str(path), timeout=0.2))
    drain()
    queue.retry(task.id)
    drain()
    assert outcomes(queue, task.id) == ["waiting", "failed", "waiting", "failed"]
    queue.retry(task.id)
    queue.events.send("approved", "late", task=task)
    drain()
    assert queue.get(task.id).returned == "late"


def test_who_goes_on_without_it_does_so_in_later_attempts_too(queue, drain, path):
    task = queue.enqueue(d.go_on_without.bind(str(path)))
    run_one(queue)
    queue.events.send("approved", "late", task=task)
    drain()
    assert queue.get(task.id).returned == "nobody"
    assert path.read_text() == "escalated\n"


def test_none_can_be_waited_for_in_a_transaction(queue, drain):
    task = queue.enqueue(d.wait_inside.using(max_attempts=1).bind())
    drain()
    assert "an event cannot be waited for inside a transaction" in queue.get(task.id).error


@pytest.mark.parametrize("timeout", [-1, "soon", 1e300])
def test_a_timeout_must_be_a_span(queue, drain, path, timeout):
    task = queue.enqueue(d.await_event.using(max_attempts=1).bind(str(path), timeout))
    drain()
    assert queue.get(task.id).error.startswith("InvalidTaskError: timeout must be")


def test_a_task_that_waits_can_be_cancelled(queue, path):
    task = queue.enqueue(d.await_event.bind(str(path)))
    run_one(queue)
    assert queue.cancel(task.id) is Status.CANCELLED
    assert queue.events.send("approved") == 0
    assert queue.events.waits() == []


def test_what_cannot_be_sent_is_refused(queue):
    task = queue.enqueue(d.tuple_step.bind())
    with pytest.raises(TaskNotFoundError):
        queue.events.send("approved", task=task.id + 1)
    queue.cancel(task.id)
    with pytest.raises(TaskStateError, match="has ended already"):
        queue.events.send("approved", task=task)
    for name, data, to in [("", 1, None), ("a", object(), None), ("a", 1, 2**80), ("a", 1, "7")]:
        with pytest.raises(InvalidTaskError):
            queue.events.send(name, data, task=to)
    assert queue.events.list() == []


def test_an_event_is_part_of_the_transaction_it_is_sent_in(queue):
    with contextlib.suppress(ZeroDivisionError), queue.transaction():
        queue.events.send("approved")
        raise ZeroDivisionError
    assert queue.events.list() == []


def test_a_wait_lasts_from_the_first_time_that_the_task_asked(queue, path):
    task = queue.enqueue(d.await_event.bind(str(path), timeout=3600))
    run_one(queue)
    (first,) = queue.events.waits()
    assert first.until - first.since == timedelta(hours=1)
    assert queue.get(task.id).run_at == first.until
