"""Batches in the hands of workers: they grow from within, in every executor."""

import contextlib
import signal

import pytest

from jobrunner import NewTask, Status, TaskQueue
from jobrunner.core.batch import BatchEndedError, NoBatchError
from jobrunner.core.errors import InvalidTaskError, UnknownFunctionError
from tests.runtime.passing import echo, grow, length

END = {"on_success": echo.bind("well"), "on_end": echo.bind("over")}


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_batch_grows_from_within_its_members(queue, drain, executor):
    batch = queue.batches.enqueue([grow.bind(queue.store.location, 3)], **END)
    drain(executor=executor)
    found = queue.batches.get(batch.id)
    assert found.tasks[Status.COMPLETED] == 7
    assert found.ended
    assert [task.status for task in queue.batches.callbacks(found)] == ["completed"] * 2
    ids = [task.id for task in queue.find(batch_id=batch.id)]
    assert len(ids) == 7
    last = max(queue.get(task_id).finished_at for task_id in ids)
    assert all(task.started_at >= last for task in queue.batches.callbacks(found))


def test_a_block_is_stored_at_its_end_or_not_at_all(queue):
    with queue.batch(description="all", **END) as batch:
        batch.add(echo.bind(1), echo.bind(2))
        assert queue.batches.find() == []
    assert batch.stored == queue.batches.get(batch.stored.id)
    with contextlib.suppress(ZeroDivisionError), queue.batch() as broken:
        broken.add(echo.bind(1))
        raise ZeroDivisionError
    assert broken.stored is None
    assert len(queue.batches.find()) == 1


def test_a_batch_in_a_transaction_is_part_of_it(queue):
    with contextlib.suppress(ZeroDivisionError), queue.transaction():
        queue.batches.enqueue([echo.bind(1)], **END)
        raise ZeroDivisionError
    assert queue.batches.find() == []
    assert sum(queue.counts().values()) == 0


def test_results_of_members_reach_the_callback(queue, drain):
    members = [echo.bind(1), echo.bind([2])]
    batch = queue.batches.enqueue(members, on_success=length.bind(members))
    drain()
    assert queue.get(batch.on_success).returned == [2, 2]


def test_what_is_wrong_with_a_batch_is_told(queue):
    with pytest.raises(UnknownFunctionError):
        queue.batches.enqueue([echo.bind(1)], on_end=NewTask(function="nobody"))
    for wrong in ([1], [None], ["echo"]):
        with pytest.raises(InvalidTaskError, match="takes new tasks"):
            queue.batches.enqueue(wrong)
    with pytest.raises(InvalidTaskError):
        queue.batches.enqueue([], description=5)
    ended = queue.batches.enqueue([])
    with pytest.raises(BatchEndedError):
        queue.batches.add([echo.bind(1)], ended.id)


def test_a_task_of_no_batch_cannot_have_it_grow(queue, drain):
    task = queue.enqueue(grow.using(max_attempts=1).bind(queue.store.location, 1))
    drain()
    assert NoBatchError(task.id).args[0] in task.refresh().error


PROGRAM = """
import os, signal, sys
from jobrunner import NewTask, TaskQueue
from jobrunner.storage import batches

queue = TaskQueue(sys.argv[1])
work = NewTask(function="echo")
queue.batches.enqueue([work])
ids = queue.enqueue_ids([NewTask(function="echo"), NewTask(function="echo")])
with queue.transaction():
    queue.batches.add([work] * 5, 1)
    queue.batches.enqueue([work] * 5, on_end=NewTask(function="echo"))
    queue.cancel(ids[0])
    queue.rewind(ids[0])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_a_batch_and_a_rewind_whole_or_not_at_all(location, run_killed):
    assert run_killed(PROGRAM, location) == -signal.SIGKILL
    queue = TaskQueue(location)
    assert len(queue.batches.find()) == 1
    assert queue.counts()[Status.PENDING] == 3
    assert queue.check() == []
    queue.close()


@pytest.fixture
def run_killed():
    import subprocess
    import sys

    def run(program, *arguments):
        return subprocess.run([sys.executable, "-c", program, *arguments], check=False).returncode

    return run
