"""What a queue says of the time ahead, held against what then comes."""

import threading

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.batch import BatchNotFoundError
from jobrunner.core.errors import InvalidTaskError, TaskNotFoundError
from jobrunner.core.events import TaskSettled
from jobrunner.core.status import Status
from tests.databases import on_a_file
from tests.runtime import durable
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE, until
from tests.workflows import TRACES, seismology

HALF = (TRACES + 1) // 2
SLOTS = 12
"""Long sleeps in many slots: a machine that is busy with other tests tells on them the least."""


@on_a_file
def test_the_end_of_a_workflow_at_half_time_is_within_a_fifth_of_the_truth(
    location, queue, start_worker
):
    half = threading.Event()
    settled: list[TaskSettled] = []

    def count(event):
        if isinstance(event, TaskSettled):
            settled.append(event)
            if len(settled) == HALF:
                half.set()

    queue.emit = count
    ids = queue.enqueue_ids(seismology())
    worker = start_worker({"until_empty": True}, concurrency=SLOTS)
    looking = TaskQueue(location)
    assert half.wait(PATIENCE)
    asked_at = looking.clock.now()
    found = looking.estimates.end(ids[-1])
    told_s = (looking.clock.now() - asked_at).total_seconds()
    worker.join()
    last = looking.get(ids[-1])
    looking.close()
    truth = (last.finished_at - asked_at).total_seconds()
    assert found.workers == SLOTS
    assert found.left.runs >= 150
    assert found.left.likely_s == pytest.approx(truth, rel=0.2)
    assert found.left.basis == (
        f"from at least {found.left.runs} runs of each of 2 functions and commands"
    )
    assert told_s < truth / 2


def test_nothing_is_said_before_five_runs(queue, drain):
    runs = [NewTask(function="add", args=[1, 2]) for _ in range(4)]
    queue.enqueue_many(runs)
    drain()
    waiting = queue.enqueue(NewTask(function="add", args=[1, 2]))
    assert not queue.estimates.run("add").is_known
    assert not queue.estimates.left(waiting).is_known
    unsaid = queue.estimates.end(workers=2)
    assert (unsaid.left.is_known, unsaid.unknown) == (False, {"add": 4})
    drain()
    ended = queue.estimates.left(waiting.id)
    assert (ended.is_known, ended.basis) == (False, "it has ended")
    assert queue.estimates.start(waiting) == ended
    assert queue.estimates.run("add").runs == 5
    assert queue.estimates.end().left.likely_s == 0
    waiting = queue.enqueue(NewTask(function="add", args=[1, 2]))
    assert queue.estimates.left(waiting).is_known
    assert queue.estimates.end(waiting.id, workers=2).left.is_known
    assert queue.estimates.start(waiting).basis == "no worker is running"


def test_what_is_not_there_is_named(queue):
    with pytest.raises(TaskNotFoundError):
        queue.estimates.end(7)
    with pytest.raises(TaskNotFoundError):
        queue.estimates.left(7)
    with pytest.raises(TaskNotFoundError):
        queue.estimates.start(7)
    with pytest.raises(BatchNotFoundError):
        queue.estimates.end(batch_id=7)
    for wrong in (0, -1, True, 100_001, 1.5):
        with pytest.raises(InvalidTaskError, match="workers must be"):
            queue.estimates.end(workers=wrong)
    with pytest.raises(InvalidTaskError, match="name one of them"):
        queue.estimates.end(1, batch_id=1)


def test_a_batch_is_estimated_with_its_callbacks(queue, drain):
    queue.enqueue_many([NewTask(function="add", args=[1, 2]) for _ in range(5)])
    drain()
    add = NewTask(function="add", args=[1, 2])
    ends = NewTask(function="add", args=[1, 3])
    failed = NewTask(function="add", args=[1, 4])
    batch = queue.batches.enqueue([add], on_end=ends, on_failure=failed)
    found = queue.estimates.end(batch_id=batch.id, workers=1)
    assert (found.tasks, len(found.path)) == (3, 2)  # what only a failure starts does not run


def test_a_start_is_told_by_the_slots_of_the_workers_there_are(queue, drain, start_worker):
    queue.enqueue_many([NewTask(function="add", args=[1, 2]) for _ in range(5)])
    drain()
    running = queue.enqueue(NewTask(function="finish_on_request", args=["gate"]))
    start_worker(concurrency=1)
    until(queue, lambda: queue.get(running.id).status is Status.IN_PROGRESS)
    assert queue.estimates.start(running).likely_s == 0
    first, second = queue.enqueue_many([NewTask(function="add", args=[1, 2]) for _ in range(2)])
    unknown = queue.estimates.start(second)
    assert unknown.basis == "no runs of finish_on_request are recorded, it takes 5"
    f.gates["gate"].set()
    queue.wait([first, second], timeout=PATIENCE)


def test_no_start_is_told_of_what_waits_for_an_event(queue, start_worker, tmp_path):
    waiting = queue.enqueue(durable.await_event.bind(str(tmp_path / "seen")))
    start_worker()
    until(queue, lambda: queue.get(waiting.id).status is Status.SCHEDULED)
    behind = queue.enqueue(NewTask(function="add", args=[1, 2], after=[waiting]))
    for task in (waiting, behind):
        found = queue.estimates.start(task)
        assert (found.is_known, found.basis) == (False, "it waits for a paused queue, or an event")
