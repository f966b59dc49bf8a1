"""A write inside the task's own transaction: refused or put off, never a wait for itself."""

import contextlib
import threading

import pytest

from jobrunner import TaskQueue
from jobrunner.core.errors import DatabaseError
from jobrunner.core.status import Status
from tests.databases import on_a_file
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE

EXECUTORS = ["thread", "async", "process"]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_checkpoint_in_a_transaction_is_refused(queue, drain, executor):
    location = queue.database.location
    task = queue.enqueue(f.checkpoint_in_a_transaction.using(max_attempts=1).bind(location))
    drain(executor=executor)
    failed = queue.get(task.id)
    assert failed.status is Status.FAILED
    assert failed.error == (
        "OpenTransactionError: a checkpoint cannot be stored inside a transaction"
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_progress_in_a_transaction_is_stored_after_it(queue, drain, executor):
    location = queue.database.location
    task = queue.enqueue(f.progress_in_a_transaction.using(max_attempts=1).bind(location))
    drain(executor=executor)
    assert queue.get(task.id).status is Status.COMPLETED
    assert queue.get(task.id).progress.done == 1


def test_a_second_transaction_of_a_thread_is_an_error_not_a_deadlock(queue, tmp_path):
    same = TaskQueue(queue.database.location)
    with queue.transaction(), pytest.raises(DatabaseError, match="of this thread is open"):
        same.enqueue(f.add.bind(1, 1))
    other = TaskQueue(tmp_path / "other.db")
    with queue.transaction():
        other.enqueue(f.add.bind(1, 1))
    assert same.enqueue(f.add.bind(1, 1)).status is Status.PENDING
    other.close()
    same.close()


@on_a_file  # a server lets them go on
def test_other_threads_wait_for_the_end_of_a_transaction(queue):
    with queue.transaction():
        thread = threading.Thread(target=queue.enqueue, args=[f.add.bind(1, 1)])
        thread.start()
        queue.enqueue(f.add.bind(2, 2))
    thread.join(PATIENCE)
    assert [task.args for task in queue.find()] == [(1, 1), (2, 2)]


def test_other_threads_are_no_part_of_a_transaction(queue):
    thread = threading.Thread(target=queue.enqueue, args=[f.add.bind(1, 1)])
    with contextlib.suppress(ZeroDivisionError), queue.transaction():
        thread.start()
        queue.enqueue(f.add.bind(2, 2))
        raise ZeroDivisionError
    thread.join(PATIENCE)
    assert [task.args for task in queue.find()] == [(1, 1)]
