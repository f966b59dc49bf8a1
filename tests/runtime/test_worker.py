"""A worker from start to end: what it runs in which order, when it ends, what it gives back."""

import threading
import time

import pytest

from jobrunner import NewTask, Worker
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.events import (
    TaskSettled,
    TaskStarted,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
)
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from jobrunner.storage import workers
from jobrunner.storage.enqueue import enqueue
from tests.runtime import functions as f
from tests.runtime.support import outcomes, until


def started(events):
    return [event.task_id for event in events.of(TaskStarted)]


def test_until_empty_ends_an_empty_queue_at_once(drain):
    assert drain() == 0


def test_until_empty_waits_for_retries_snoozes_and_delays(queue, drain):
    tasks = [
        queue.enqueue(f.retry_once.bind()),
        queue.enqueue(f.snooze_once.bind(0.2)),
        queue.enqueue(f.add.using(delay=0.3).bind(1, 1)),
    ]
    drain()
    assert [task.result() for task in tasks] == [2, 1, 2]


def test_until_empty_waits_for_what_another_worker_runs(queue, start_worker, drain):
    task = queue.enqueue(f.finish_on_request.bind("another"))
    after = queue.enqueue(f.add.using(after=[task]).bind(1, 2))
    start_worker(concurrency=1)
    until(queue, lambda: queue.get(task.id).progress)
    opening = threading.Timer(0.3, f.gates["another"].set)
    opening.start()
    drain()
    opening.join()
    assert after.result() == 3


def test_until_empty_ends_though_other_queues_have_work(queue, drain):
    other = queue.enqueue(f.add.using(queue="other").bind(1, 1))
    mine = queue.enqueue(f.add.using(queue="mine").bind(1, 1))
    drain(queues=["mine"])
    assert mine.result() == 2
    assert queue.get(other.id).status is Status.PENDING


def test_higher_priorities_run_first_and_equal_ones_in_order(queue, drain, events):
    tasks = [
        queue.enqueue(f.add.using(priority=priority).bind(0, 0)) for priority in (0, 5, -1, 5, 0, 9)
    ]
    drain(concurrency=1)
    ids = [task.id for task in tasks]
    assert started(events) == [ids[5], ids[1], ids[3], ids[0], ids[4], ids[2]]


def test_a_dependent_is_claimed_in_the_turn_that_settles_its_parent(queue, drain, events):
    first = queue.enqueue(f.add.bind(1, 1))
    second = queue.enqueue(f.add.using(after=[first]).bind(2, 2))
    third = queue.enqueue(f.add.using(after=[second]).bind(3, 3))
    drain(concurrency=1)
    kinds = [
        (type(event), event.task_id)
        for event in events.seen
        if isinstance(event, TaskSettled | TaskStarted)
    ]
    assert kinds == [
        (kind, task.id) for task in (first, second, third) for kind in (TaskStarted, TaskSettled)
    ]


def test_a_duration_ends_a_worker_that_has_nothing_to_do(queue):
    began = time.monotonic()
    assert Worker(queue).run(duration=0.2) == 0
    assert 0.2 <= time.monotonic() - began < 20


def test_a_duration_gives_back_what_is_unfinished(queue, events):
    task = queue.enqueue(f.obey.bind())
    Worker(queue, shutdown_grace=0.1, kill_grace=0.1).run(duration=0.3)
    assert queue.get(task.id).status is Status.PENDING
    assert events.of(WorkerStopping, reason="its time is over")


@pytest.mark.parametrize("most", [1, 3, 10])
def test_a_number_of_tasks_is_never_exceeded(queue, most):
    queue.enqueue_many([f.add.bind(n, n) for n in range(30)])
    assert Worker(queue, concurrency=4).run(max_tasks=most) == most
    assert queue.counts()[Status.COMPLETED] == most
    assert queue.counts()[Status.PENDING] == 30 - most


def test_its_row_tells_its_life(queue, drain, events):
    drain(concurrency=3, queues={"a": 2, "b": None})
    (worker,) = queue.workers()
    assert worker.status is WorkerStatus.STOPPED
    assert (worker.concurrency, worker.queues, worker.executor) == (3, ("a", "b"), "thread")
    assert [event.worker_id for event in events.of(WorkerStarted)] == [worker.id]
    assert [event.worker_id for event in events.of(WorkerStopped)] == [worker.id]


def test_a_stop_lets_what_runs_finish_and_starts_nothing_more(queue, start_worker, events):
    running = queue.enqueue(f.finish_on_request.bind("stop"))
    waiting = queue.enqueue(f.add.bind(1, 1))
    worker = start_worker(concurrency=1, shutdown_grace=20)
    until(queue, lambda: queue.get(running.id).progress)
    worker.stop()
    events.wait(WorkerStopping)
    f.gates["stop"].set()
    worker.join()
    assert running.result() == "finished"
    assert queue.get(waiting.id).status is Status.PENDING


def test_a_second_stop_ends_it_at_once(queue, start_worker):
    task = queue.enqueue(f.block.bind("twice"))
    worker = start_worker(shutdown_grace=60)
    until(queue, lambda: queue.get(task.id).progress)
    began = time.monotonic()
    worker.stop()
    worker.stop()
    worker.join()
    assert time.monotonic() - began < 10
    assert outcomes(queue, task.id) == ["released"]
    f.gates["twice"].set()


def test_a_stop_before_the_start_is_not_forgotten(queue):
    queue.enqueue(f.add.bind(1, 1))
    worker = Worker(queue)
    worker.stop()
    assert worker.run() == 0


def test_an_unknown_function_fails_at_once_and_says_which_are_known(queue, drain):
    with queue.transaction() as transaction:
        (row,) = enqueue(transaction, [NewTask(function="gone")], now=queue.clock.now())
    drain()
    assert queue.get(row["id"]).status is Status.FAILED
    assert "no function named 'gone' is registered" in queue.get(row["id"]).error


def test_one_worker_mixes_functions_and_commands(queue, drain):
    command = queue.enqueue_command(["true"])
    function = queue.enqueue(f.add_async.using(after=[command]).bind(1, 2))
    drain()
    assert (command.result(), function.result()) == (0, 3)


def test_a_queue_limit_holds(queue, start_worker):
    tasks = queue.enqueue_many([f.block.using(queue="one").bind("limit") for _ in range(3)])
    free = queue.enqueue_many([f.add.bind(n, n) for n in range(5)])
    start_worker(concurrency=4, queues={"one": 1, "default": None})
    queue.wait(free, timeout=60)
    statuses = [queue.get(task.id).status for task in tasks]
    assert statuses.count(Status.IN_PROGRESS) == 1
    f.gates["limit"].set()
    queue.wait(tasks, timeout=60)


@pytest.mark.parametrize(
    "settings",
    [
        {"concurrency": 0},
        {"executor": "fibre"},
        {"queues": {"a": 0}},
        {"heartbeat": 10, "lost_after": 15},
        {"kill_grace": -1},
    ],
)
def test_settings_that_cannot_work_are_refused(queue, settings):
    with pytest.raises(ConfigurationError):
        Worker(queue, **settings)


def test_a_lost_row_is_not_revived(queue, drain):
    drain()
    (worker,) = queue.workers()
    with queue.database.writing() as transaction:
        assert not workers.beat(transaction, worker.id, now=queue.clock.now())
