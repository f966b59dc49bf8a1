"""An attempt's own transaction: the user's rows, steps, new tasks and the end, all or nothing."""

import contextlib
import threading

import pytest
from sqlalchemy import text

from jobrunner import Status, Worker
from jobrunner.core.events import LeaseLost, TaskSettled
from jobrunner.core.outcome import Failed
from jobrunner.runtime.executors import remote
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.identity import backoff
from jobrunner.storage import sweep
from jobrunner.storage.claim import claim
from tests.runtime import durable as d
from tests.runtime.support import PATIENCE, outcomes, register_ada

EXECUTORS = ["thread", "async", "process"]


@pytest.fixture
def numbers(queue):
    """What stands in a table of the user's own."""
    with queue.transaction() as connection:
        connection.execute(text("CREATE TABLE numbers (number BIGINT)"))

    def read():
        with queue.database.reading() as connection:
            return sorted(connection.scalars(text("SELECT number FROM numbers")))

    return read


def steps(queue):
    with queue.database.reading() as connection:
        return sorted(connection.scalars(text("SELECT name FROM task_steps")))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_rows_and_steps_are_one_commit(queue, drain, numbers, executor):
    task = queue.enqueue(d.book.bind(1))
    drain(executor=executor)
    assert queue.get(task.id).status is Status.COMPLETED
    assert numbers() == [1, 2]
    assert steps(queue) == ["booked"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_raises_leaves_neither_rows_nor_steps(queue, drain, numbers, executor):
    queue.enqueue(d.book.using(max_attempts=1).bind(1, fail=True))
    drain(executor=executor)
    assert numbers() == []
    assert steps(queue) == []


def test_a_step_that_was_rolled_back_may_be_made_again(queue, drain, numbers):
    task = queue.enqueue(d.book_again_after_a_rollback.using(max_attempts=1).bind())
    drain()
    assert queue.get(task.id).returned == 2
    assert numbers() == [2]


def test_a_transacted_step_is_made_once(queue, drain, numbers, tmp_path):
    task = queue.enqueue(d.transact_twice.bind(str(tmp_path / "notes")))
    drain()
    assert queue.get(task.id).returned == 7
    assert numbers() == [7]
    assert (tmp_path / "notes").read_text() == "ran\n"


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("what", ["step", "transaction"])
def test_a_lost_lease_stores_nothing(queue, drain, numbers, events, executor, what):
    task = queue.enqueue(d.lose_the_lease.bind(what))
    Worker(queue, executor=executor).run(max_tasks=1)
    assert [one.task_id for one in events.of(LeaseLost)] == [task.id]
    assert numbers() == []
    assert steps(queue) == []
    drain()  # it is rescued from a worker that is no more


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("then", ["", "raise", "snooze"])
def test_a_task_completes_with_its_rows(queue, drain, numbers, events, executor, then):
    task = queue.enqueue(d.complete.bind(3, then))
    dependent = queue.enqueue(d.tuple_step.using(after=[task]).bind())
    assert drain(executor=executor) == 2
    done = queue.get(task.id)
    assert (done.status, done.returned) == (Status.COMPLETED, {"number": 3})
    assert done.progress.done == 1
    assert numbers() == [3]
    assert outcomes(queue, task.id) == ["completed"]
    assert queue.get(dependent.id).status is Status.COMPLETED
    assert events.of(LeaseLost) == []
    assert [one.task_id for one in events.of(TaskSettled)] == [task.id, dependent.id]
    (record,) = queue.history(task.id)
    assert record.started_at <= record.ended_at


def test_a_coroutine_completes_with_its_rows(queue, drain, numbers):
    task = queue.enqueue(d.complete_async.bind(4))
    drain(executor="async")
    assert queue.get(task.id).returned == {"number": 4}
    assert numbers() == [4]


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_an_attempt_that_is_stopped_inside_leaves_nothing_and_nobody_waits(
    queue, drain, numbers, executor
):
    task = queue.enqueue(d.never_leave.using(max_attempts=1, timeout=0.2).bind())
    after = queue.enqueue(d.book.bind(5))
    drain(executor=executor)
    assert queue.get(task.id).error.startswith("ran longer than")
    assert queue.get(after.id).status is Status.COMPLETED
    assert numbers() == [5, 6]


def test_what_runs_an_order_elsewhere_stores_steps_too(queue, tmp_path):
    register_ada(queue, queue.clock)
    task = queue.enqueue(d.two_steps.bind(str(tmp_path / "notes")))
    with queue.database.writing() as transaction:
        found = {"worker_id": "ada", "token": 1, "limit": 1, "now": queue.clock.now()}
        (lease,) = claim(transaction, **found)
    order = Order(d.two_steps.registered.reference, queue.database.location, lease)
    assert isinstance(remote.run(order), Failed)  # the first attempt, after two steps
    assert steps(queue) == ["first", "nothing"]
    queue.cancel(task.id)
    with queue.database.writing() as transaction:
        sweep.give_back(transaction, "ada", now=queue.clock.now(), backoff=backoff)
    assert queue.get(task.id).status is Status.CANCELLED


def test_an_end_that_is_rolled_back_is_none(queue, drain, numbers):
    task = queue.enqueue(d.complete_and_roll_back.using(max_attempts=1).bind())
    drain()
    assert queue.get(task.id).status is Status.FAILED
    assert numbers() == []


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("outside", "StepError: a task completes itself only in a transaction of its own"),
        ("twice", "StepError: it cannot complete again: the task has completed"),
        ("late", None),
    ],
)
def test_a_task_completes_once_and_last(queue, drain, how, error):
    task = queue.enqueue(d.complete_wrongly.using(max_attempts=1).bind(how))
    drain()
    assert queue.get(task.id).error == error
    assert steps(queue) == []


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("fail", [False, True])
def test_what_is_enqueued_inside_is_seen_only_if_it_commits(queue, numbers, executor, fail):
    new = d.enqueue_inside.using(max_attempts=1).bind(queue.database.location, fail=fail)
    queue.enqueue(new)
    Worker(queue, executor=executor).run(max_tasks=1)
    assert len(queue.find()) == (1 if fail else 2)
    assert numbers() == ([] if fail else [1])


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_enqueued_in_the_users_transaction_is_seen_only_if_it_commits(
    queue, numbers, fails
):
    seen = []
    other = threading.Thread(target=lambda: seen.append(len(queue.find())))
    with contextlib.suppress(ZeroDivisionError), queue.transaction() as connection:
        d.insert(connection, 1)
        queue.enqueue(d.tuple_step.bind())
        other.start()
        other.join(PATIENCE)
        1 / (0 if fails else 1)
    assert seen == [0]
    assert len(queue.find()) == (0 if fails else 1)
    assert numbers() == ([] if fails else [1])
