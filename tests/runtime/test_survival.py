"""What a worker survives: being declared lost, trouble with its database, slow tasks ahead."""

import contextlib
import threading
from pathlib import Path

import pytest

from jobrunner import Worker
from jobrunner.core.errors import CommitUnknownError, DatabaseError
from jobrunner.core.events import LeaseLost, TaskStarted, WorkerLost, WorkerStarted, WorkerTrouble
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from jobrunner.runtime import in_hand, room
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import Maintenance
from tests.runtime import functions as f
from tests.runtime.support import outcomes, until


@pytest.fixture
def claimed_ahead(queue, start_worker, monkeypatch):
    """A worker that has claimed fast tasks ahead, when one blocks its only slot."""
    # However slow this machine is just now:
    monkeypatch.setattr(room, "AHEAD_SECONDS", 10.0)
    monkeypatch.setattr(in_hand, "HELD_AT_MOST", 1e9)
    queue.enqueue_many([f.add.bind(n, n) for n in range(300)])
    blocker = queue.enqueue(f.finish_on_request.bind("ahead"))
    behind = queue.enqueue_many([f.add.bind(n, n) for n in range(30)])
    worker = start_worker(concurrency=1, shutdown_grace=0.1)
    until(queue, lambda: queue.get(blocker.id).progress)
    until(queue, lambda: Status.IN_PROGRESS in {queue.get(task.id).status for task in behind})
    yield worker, behind
    f.gates["ahead"].set()


def left_no_trace(queue, tasks):
    tasks = [queue.get(task.id) for task in tasks]
    return all((task.status, task.attempt) == (Status.PENDING, 0) for task in tasks) and not any(
        queue.history(task.id) for task in tasks
    )


def test_what_was_claimed_ahead_and_never_started_leaves_no_trace(queue, claimed_ahead):
    worker, behind = claimed_ahead
    worker.stop()
    worker.join()
    assert left_no_trace(queue, behind)


def test_what_was_claimed_ahead_of_a_slow_task_is_given_back_to_others(
    queue, claimed_ahead, start_worker, monkeypatch
):
    _, behind = claimed_ahead
    monkeypatch.setattr(in_hand, "HELD_AT_MOST", 0.1)
    until(queue, lambda: left_no_trace(queue, behind))
    start_worker(concurrency=1)
    assert [task.returned for task in queue.wait(behind, timeout=60)] == [2 * n for n in range(30)]
    assert {outcome for task in behind for outcome in outcomes(queue, task.id)} == {"completed"}


def declare_lost(queue, worker_id):
    """As another worker would; a beat in between saves it, so try again."""
    other = Maintenance(
        queue.database,
        Liveness(queue.database.lock_folder),
        clock=queue.clock,
        emit=queue.emit,
        lost_after=30,
    )

    def once():
        (row,) = [worker for worker in queue.workers() if worker.id == worker_id]
        return other.bury(row, "the test says so")

    until(queue, once)


def test_a_lost_worker_starts_over_and_its_late_results_change_nothing(queue, start_worker, events):
    task = queue.enqueue(f.block.bind("lost"))
    worker = start_worker(concurrency=1, heartbeat=0.1)
    until(queue, lambda: queue.get(task.id).progress)
    first = events.wait(WorkerStarted).worker_id
    declare_lost(queue, first)
    events.wait(LeaseLost, task_id=task.id, worker_id=first)
    until(queue, lambda: len(queue.workers()) == 2)
    second = queue.workers()[1].id
    f.gates["lost"].set()
    ended = queue.wait([task], timeout=60)[0]
    assert [(r.outcome, r.worker_id) for r in queue.history(task.id)] == [
        ("lost", first),
        ("completed", second),
    ]
    assert (ended.attempt, ended.crashes) == (2, 1)
    assert len(events.of(LeaseLost)) == 1
    after = queue.enqueue(f.add.bind(1, 1))
    assert queue.wait([after], timeout=60)[0].returned == 2
    worker.stop()
    worker.join()
    assert [row.status for row in queue.workers()] == [WorkerStatus.LOST, WorkerStatus.STOPPED]
    assert events.of(WorkerLost, worker_id=first)


@pytest.fixture
def trouble(queue, monkeypatch):
    """Let every third transaction that writes fail, before or after its COMMIT in turn."""
    writing, calls, lock = queue.database.writing, [0], threading.Lock()

    @contextlib.contextmanager
    def shaky(**how):
        with lock:
            calls[0] += 1
            number = calls[0]
        if number % 6 == 3 and number > 3:
            raise DatabaseError("busy")
        with writing(**how) as transaction:
            yield transaction
        if number % 6 == 0:
            raise CommitUnknownError("the COMMIT is unknown")

    monkeypatch.setattr(queue.database, "writing", shaky)
    yield
    monkeypatch.undo()


def test_trouble_with_the_database_loses_nothing_and_doubles_nothing(
    queue, monkeypatch, events, request
):
    tasks = queue.enqueue_many([f.add.bind(n, 0) for n in range(20)])
    monkeypatch.setattr("jobrunner.runtime.worker.TROUBLE_PAUSE", 0.01)
    worker = Worker(queue, concurrency=2)
    request.getfixturevalue("trouble")
    with contextlib.suppress(DatabaseError):  # the very last transaction may be one that fails
        worker.run(until_empty=True)
    monkeypatch.undo()
    assert [task.result() for task in tasks] == list(range(20))
    assert all(outcomes(queue, task.id) == ["completed"] for task in tasks)
    assert events.of(WorkerTrouble)


@pytest.fixture
def broken(queue, monkeypatch):
    """Let every transaction that writes fail from now on."""

    @contextlib.contextmanager
    def writing(**_how):
        raise DatabaseError("the disk is full")
        yield

    return lambda: monkeypatch.setattr(queue.database, "writing", writing)


def count(folder: str) -> int:
    return len(list(Path(folder).iterdir()))


def test_a_worker_that_cannot_join_again_leaves_nothing_open_and_can_be_stopped(
    queue, start_worker, events, broken, monkeypatch
):
    monkeypatch.setattr("jobrunner.runtime.worker.TROUBLE_PAUSE", 0.01)
    worker = start_worker(heartbeat=0.1, lost_after=0.3)
    events.wait(WorkerStarted)
    before = count("/proc/self/fd")
    broken()
    until(queue, lambda: len(events.of(WorkerLost)) > 20)
    assert count("/proc/self/fd") < before + 10
    assert count(queue.database.lock_folder) <= 1
    worker.stop()
    worker.join()


def test_a_second_stop_ends_a_worker_whose_database_is_out_of_order(queue, events, broken):
    queue.enqueue(f.finish_on_request.bind("out of order"))
    worker = Worker(queue, concurrency=1)

    def stop_twice():
        events.wait(TaskStarted)
        broken()
        f.gates["out of order"].set()
        events.wait(WorkerTrouble)
        worker.stop()
        worker.stop()

    stopping = threading.Thread(target=stop_twice)
    stopping.start()
    with pytest.raises(DatabaseError, match="the disk is full"):
        worker.run()
    stopping.join()


def test_a_doubtful_commit_is_looked_up_before_the_end_and_counts(queue, monkeypatch):
    """`max_tasks` would otherwise be overrun, and then never be reached."""
    tasks = queue.enqueue_many([f.add.bind(n, 0) for n in range(3)])
    writing, left = queue.database.writing, [True]

    @contextlib.contextmanager
    def once_unknown(**how):
        with writing(**how) as transaction:
            yield transaction
        if queue.counts()[Status.IN_PROGRESS] and left:
            left.pop()
            raise CommitUnknownError("the COMMIT is unknown")

    monkeypatch.setattr("jobrunner.runtime.worker.TROUBLE_PAUSE", 0.01)
    worker = Worker(queue, concurrency=1)
    monkeypatch.setattr(queue.database, "writing", once_unknown)
    assert worker.run(max_tasks=1) == 1
    monkeypatch.undo()
    assert [task.refresh().status for task in tasks] == [Status.COMPLETED] + [Status.PENDING] * 2


def test_a_claim_in_doubt_is_looked_up_though_the_worker_stops(queue, monkeypatch):
    queue.enqueue_many([f.add.bind(n, 0) for n in range(3)])
    worker = Worker(queue, concurrency=1)
    writing, left = queue.database.writing, [True]

    @contextlib.contextmanager
    def once_unknown(**how):
        with writing(**how) as transaction:
            yield transaction
        if left and queue.counts()[Status.IN_PROGRESS]:
            left.pop()
            worker.stop()
            raise CommitUnknownError("the COMMIT is unknown")

    monkeypatch.setattr("jobrunner.runtime.worker.TROUBLE_PAUSE", 0.01)
    monkeypatch.setattr(queue.database, "writing", once_unknown)
    worker.run()
    monkeypatch.undo()
    assert not left
    assert queue.counts()[Status.IN_PROGRESS] == 0
