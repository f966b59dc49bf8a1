"""The façade: safe from any thread, one transaction with the user's own SQL, waits and results."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from jobrunner import (
    InvalidTaskError,
    NewTask,
    TaskFailedError,
    TaskNotFoundError,
    TaskQueue,
    TaskStateError,
    UnknownFunctionError,
    WaitTimeoutError,
)
from jobrunner.core.status import Status
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE

THREADS, EACH = 8, 25


def at_once(work):
    """Run `work(number)` in several threads at the same moment; returns what they return."""
    barrier = threading.Barrier(THREADS)

    def run(number):
        barrier.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_eight_threads_add_read_and_change_tasks_at_once(queue):
    def work(number):
        for turn in range(EACH):
            task = queue.enqueue(f.add.bind(number, turn))
            assert queue.get(task.id).args == (number, turn)
            assert queue.update(task.id, priority=turn).priority == turn
        return number

    assert at_once(work) == list(range(THREADS))
    found = queue.find(limit=1000)
    assert Counter(task.args[0] for task in found) == dict.fromkeys(range(THREADS), EACH)
    assert all(task.priority == task.args[1] for task in found)
    assert len({task.id for task in found}) == THREADS * EACH


def test_the_first_use_from_eight_threads_makes_one_database(location):
    queue = TaskQueue(location)
    ids = at_once(lambda _: queue.enqueue(NewTask(function="add")).id)
    assert sorted(ids) == list(range(1, THREADS + 1))
    queue.close()


def test_of_eight_threads_that_cancel_a_task_one_does(queue):
    task = queue.enqueue(f.add.bind(1, 1))

    def cancel(_):
        try:
            return queue.cancel(task.id)
        except TaskStateError:
            return None

    assert Counter(at_once(cancel)) == {Status.CANCELLED: 1, None: THREADS - 1}


def test_nothing_is_opened_before_the_first_use(tmp_path):
    TaskQueue(tmp_path / "missing folder" / "jobs.db")
    assert list(tmp_path.iterdir()) == []


def test_a_transaction_commits_own_sql_and_tasks_together(queue):
    with queue.transaction() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
        connection.execute(text("INSERT INTO orders VALUES (1)"))
        task = queue.enqueue(f.add.bind(1, 2))
        assert queue.get(task.id).status is Status.PENDING
    with queue.database.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM orders")) == 1
    assert queue.get(task.id).status is Status.PENDING


def test_a_transaction_that_raises_leaves_nothing_behind(queue):
    with queue.transaction() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    with pytest.raises(ZeroDivisionError), queue.transaction() as connection:  # noqa: PT012
        connection.execute(text("INSERT INTO orders VALUES (1)"))
        queue.enqueue(f.add.bind(1, 2))
        raise ZeroDivisionError
    with queue.database.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM orders")) == 0
    assert queue.find() == []


def test_a_transaction_is_seen_by_others_only_when_it_is_committed(queue):
    with ThreadPoolExecutor(1) as pool, queue.transaction():
        queue.enqueue(f.add.bind(1, 2))
        assert pool.submit(queue.find).result(PATIENCE) == []
    assert len(queue.find()) == 1


def test_a_transaction_inside_another_joins_it(queue):
    with pytest.raises(ZeroDivisionError), queue.transaction():  # noqa: PT012
        with queue.transaction():
            queue.enqueue(f.add.bind(1, 2))
        queue.enqueue(f.add.bind(1, 2))
        raise ZeroDivisionError
    assert queue.find() == []


def test_after_a_transaction_every_call_is_one_again(queue):
    with queue.transaction():
        queue.enqueue(f.add.bind(1, 2))
    queue.enqueue(f.add.bind(1, 2))
    with queue.transaction():
        pass
    assert len(queue.find()) == 2


def test_a_wait_returns_tasks_as_they_ended_in_the_order_asked_for(queue, start_worker):
    tasks = [queue.enqueue(f.add.bind(n, n)) for n in range(5)]
    start_worker()
    ended = queue.wait([tasks[3], tasks[0].id, tasks[3]], timeout=PATIENCE)
    assert [task.returned for task in ended] == [6, 0, 6]


def test_a_wait_tells_how_many_are_open(queue, drain):
    task = queue.enqueue(f.add.bind(1, 1))
    drain()
    told = []
    queue.wait([task], on_open=told.append)
    assert told == [0]


def test_a_wait_that_is_too_short_names_what_is_open(queue):
    tasks = [queue.enqueue(f.add.bind(n, n)) for n in range(2)]
    with pytest.raises(WaitTimeoutError) as caught:
        queue.wait(tasks, timeout=0.05)
    assert caught.value.task_ids == (1, 2)
    with pytest.raises(WaitTimeoutError):
        tasks[0].wait(timeout=0)


def test_a_wait_for_nothing_is_over(queue):
    assert queue.wait([]) == []


def test_a_wait_for_a_task_that_does_not_exist_is_refused(queue):
    with pytest.raises(TaskNotFoundError):
        queue.wait([4711], timeout=1)


def test_a_result_is_there_when_the_task_has_completed(queue, drain):
    task = queue.enqueue(f.add.bind(1, 2))
    with pytest.raises(TaskStateError):
        task.result()
    drain()
    assert task.result() == 3
    assert task.wait(timeout=1).result() == 3


def test_the_result_of_a_task_that_failed_or_was_cancelled_is_an_error(queue, drain):
    failed = queue.enqueue(f.fail.using(max_attempts=1).bind("boom"))
    dependent = queue.enqueue(f.add.using(after=[failed]).bind(1, 1))
    drain()
    with pytest.raises(TaskFailedError, match="task 1 failed: ValueError: boom"):
        failed.result()
    with pytest.raises(TaskFailedError, match="task 2 cancelled: task 1, which it depends on"):
        dependent.result()


def test_an_update_changes_what_it_names_and_nothing_else(queue):
    task = queue.enqueue(f.add.using(priority=1, description="old", queue="a").bind(1, 1))
    assert queue.update(task.id) == task
    changed = queue.update(task.id, priority=-3, description="new", queue="b")
    assert (changed.priority, changed.description, changed.queue) == (-3, "new", "b")
    assert queue.update(task.id, priority=0).priority == 0
    assert queue.update(task.id, description="").description == ""


@pytest.mark.parametrize("values", [{"priority": "high"}, {"queue": ""}, {"description": "a\0"}])
def test_an_update_with_a_wrong_value_changes_nothing(queue, values):
    task = queue.enqueue(f.add.bind(1, 1))
    with pytest.raises(InvalidTaskError):
        queue.update(task.id, **values)
    assert queue.get(task.id) == task


def test_a_task_that_has_ended_cannot_be_changed(queue, drain):
    task = queue.enqueue(f.add.bind(1, 1))
    drain()
    with pytest.raises(TaskStateError):
        queue.update(task.id, priority=1)


def test_an_unknown_function_is_refused_and_nothing_is_stored(queue):
    with pytest.raises(UnknownFunctionError):
        queue.enqueue_many([f.add.bind(1, 1), NewTask(function="gone")])
    assert queue.find() == []


def test_a_cancelled_task_can_be_retried(queue, drain):
    task = queue.enqueue(f.add.using(delay=timedelta(hours=1)).bind(1, 1))
    assert queue.cancel(task.id) is Status.CANCELLED
    assert queue.retry(task.id) is Status.PENDING
    drain()
    assert task.result() == 2


def test_the_report_adds_up_what_was_done(queue, drain):
    queue.enqueue_many([f.add.bind(n, n) for n in range(5)])
    queue.enqueue(f.fail.using(max_attempts=1).bind("boom"))
    drain()
    report = queue.report()
    assert dict(report.attempts) == {"completed": 5, "failed": 1}
    assert [(row.name, row.count, row.failed) for row in report.functions] == [
        ("add", 5, 0),
        ("fail", 1, 1),
    ]
    assert queue.report(since=timedelta(seconds=-60)).attempts == {}
