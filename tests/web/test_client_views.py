"""The client sees of a queue what the queue itself tells."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from jobrunner import JobrunnerError, NewTask, Status, TaskNotFoundError, Worker
from tests.web.test_client import PATIENCE, add, seen, work


def test_tasks_are_found(either, queue):
    ids = [task.id for task in queue.enqueue_many([add() for _ in range(7)])]
    queue.enqueue(NewTask(function="other", queue="slow"))
    queue.cancel(ids[2])
    for wanted in (
        {},
        {"limit": 3},
        {"limit": 3, "before": ids[4]},
        {"limit": 0},
        {"function": "add", "limit": 2},
        {"queue": "slow"},
        {"status": Status.CANCELLED},
        {"batch_id": 7},
    ):
        assert either.find(**wanted) == queue.find(**wanted), wanted


def test_why_a_task_does_not_run_is_told(either, queue):
    parent = queue.enqueue(add())
    child = queue.enqueue(NewTask(function="add", after=[parent]))
    for task in (parent, child):
        assert either.explain(task.id) == queue.explain(task.id)
        assert either.get(task.id).explain() == task.explain()
    assert [node.id for node in either.explain(child.id).reasons[0].tasks] == [parent.id]
    with pytest.raises(TaskNotFoundError):
        either.explain(99)


def test_more_than_a_page_is_found(either, queue):
    ids = queue.enqueue_ids([add() for _ in range(1_203)])
    found = either.find(limit=1_100)
    assert [task.id for task in found] == ids[:-1_101:-1]


def test_what_is_going_on_is_told(either, queue):
    work(queue)
    queue.enqueue_many([add(), NewTask(function="fail", max_attempts=1)])
    work(queue)
    queue.enqueue(add())
    task = queue.find()[1]
    assert either.counts() == queue.counts()
    assert either.history(task.id) == queue.history(task.id)
    assert either.transitions(task.id) == queue.transitions(task.id)
    assert either.status() == queue.status()
    assert either.status(running=0) == queue.status(running=0)
    assert list(map(seen, either.workers())) == list(map(seen, queue.workers()))
    for since in (None, timedelta(hours=1), task.created_at):
        told, known = either.report(since=since), queue.report(since=since)
        assert replace(told, workers=()) == replace(known, workers=())
        assert [one.efficiency for one in told.workers] == [one.efficiency for one in known.workers]
        assert [seen(one.info) for one in told.workers] == [seen(one.info) for one in known.workers]


def test_running_tasks_are_told(either, queue):
    begun, end = threading.Semaphore(0), threading.Event()

    @queue.task
    def hold():
        begun.release()
        end.wait(PATIENCE)

    queue.enqueue_many([hold.bind() for _ in range(22)])
    worker = Worker(queue, concurrency=22)
    thread = threading.Thread(target=worker.run, kwargs={"until_empty": True})
    thread.start()
    try:
        assert all(begun.acquire(timeout=PATIENCE) for _ in range(22))
        for running in (3, 20, 22):
            told = either.status(running=running)
            assert told.running == queue.status(running=running).running
            assert len(told.running) == running
        assert [seen(one).id for one in told.workers] == [queue.workers()[0].id]
    finally:
        end.set()
        thread.join()


def test_the_time_ahead_is_told(either, queue):
    queue.enqueue_many([add() for _ in range(6)])
    work(queue)
    batch = queue.batches.enqueue([add(), NewTask(command=["other"])])
    (task, other) = queue.find(batch_id=batch.id)[::-1]
    assert either.estimates.run("add") == queue.estimates.run("add")
    assert either.estimates.run("add").is_known
    assert either.estimates.left(task) == queue.estimates.left(task)
    assert either.estimates.left(other.id) == queue.estimates.left(other.id)
    assert either.estimates.start(other) == queue.estimates.start(other)
    for asked in ({"batch_id": batch.id}, {"task_id": task.id, "workers": 3}, {}):
        assert either.estimates.end(**asked) == queue.estimates.end(**asked)
    for wrong in ({"task_id": 99}, {"batch_id": 99}, {"workers": 0}):
        with pytest.raises(JobrunnerError) as told:
            either.estimates.end(**wrong)
        with pytest.raises(type(told.value)):
            queue.estimates.end(**wrong)
