"""A damaged file stops who works on it; a full disk stops only what is new."""

import contextlib
import os
import threading

import pytest

from jobrunner import NewTask, Scheduler, Worker
from jobrunner.core.errors import DatabaseDamagedError, DiskFullError
from jobrunner.core.events import TaskStarted, WorkerStarted, WorkerTrouble
from jobrunner.core.status import Status
from jobrunner.storage import sweep
from tests.databases import on_a_file
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE, outcomes, until


def spoil(queue):
    """Overwrite the pages behind the first, with nobody at the file."""
    path = queue.database.path
    queue.close()
    descriptor = os.open(path, os.O_WRONLY)
    size = path.stat().st_size
    for offset in range(4096, size, 4096):
        os.pwrite(descriptor, b"\xff" * 100, offset)
    os.close(descriptor)


@pytest.fixture
def spoilt(tmp_path, queue):
    """A queue whose file was damaged; it is put right in the end, for the check of the fixture."""
    queue.enqueue_many([f.add.bind(n, 0) for n in range(50)])
    queue.close()
    sound = queue.database.path.read_bytes()
    spoil(queue)
    yield queue
    queue.close()
    queue.database.path.write_bytes(sound)


@on_a_file
def test_a_worker_does_not_begin_on_a_damaged_file(spoilt, events):
    with pytest.raises(DatabaseDamagedError) as caught:
        Worker(spoilt).run(until_empty=True)
    assert "db restore" in caught.value.hint
    assert not events.of(WorkerStarted)
    assert not events.of(TaskStarted)


@on_a_file
def test_a_scheduler_ends_when_its_workers_find_the_file_damaged(spoilt):
    with pytest.raises(DatabaseDamagedError):
        Scheduler(spoilt, workers=1).run(until_empty=True)


@pytest.fixture
def damaged(queue, monkeypatch):
    """Let every transaction that writes find damage from now on."""

    @contextlib.contextmanager
    def writing(**_how):
        raise DatabaseDamagedError("the database is damaged")
        yield

    return lambda: monkeypatch.setattr(queue.database, "writing", writing)


def test_a_worker_ends_when_it_meets_damage(queue, start_worker, events, damaged, monkeypatch):
    queue.enqueue(f.finish_on_request.bind("damage"))
    worker = start_worker(concurrency=1)
    events.wait(TaskStarted)
    damaged()
    f.gates["damage"].set()
    with pytest.raises(DatabaseDamagedError):
        worker.join()
    monkeypatch.undo()
    worker.error = None


def test_a_worker_ends_when_its_sweeps_meet_damage(queue, start_worker, events, monkeypatch):
    worker = start_worker(heartbeat=0.1)
    events.wait(WorkerStarted)

    def damaged(transaction):
        raise DatabaseDamagedError("the database is damaged")

    monkeypatch.setattr(sweep, "with_timeout", damaged)
    with pytest.raises(DatabaseDamagedError):
        worker.join()
    monkeypatch.undo()
    worker.error = None


@pytest.fixture
def disk(queue, monkeypatch):
    """A disk that can be filled; giving the reserve up makes the little room it holds."""
    writing, reserve = queue.database.writing, queue.database.reserve
    state = {"full": False, "kept": True, "spent": threading.Event()}

    @contextlib.contextmanager
    def on_disk(**how):
        with writing(**how) as transaction:
            yield transaction
            if state["full"] and state["kept"]:
                raise DiskFullError("the disk is full")

    def spend():
        state["kept"] = False
        state["spent"].set()

    def keep():
        state["kept"] = state["kept"] or not state["full"]
        return state["kept"]

    monkeypatch.setattr(queue.database, "writing", on_disk)
    monkeypatch.setattr(reserve, "spend", spend)
    monkeypatch.setattr(reserve, "is_needed", lambda: state["full"])
    monkeypatch.setattr(reserve, "keep", keep)
    monkeypatch.setattr(reserve, "is_kept", lambda: state["kept"])
    return state


def test_on_a_full_disk_what_runs_is_recorded_and_nothing_new_begins(
    queue, start_worker, events, disk, monkeypatch
):
    monkeypatch.setattr("jobrunner.runtime.worker.TROUBLE_PAUSE", 0.01)
    running = queue.enqueue(f.finish_on_request.bind("full"))
    worker = start_worker(concurrency=1)
    until(queue, lambda: queue.get(running.id).progress)  # from here on it writes nothing
    behind = queue.enqueue(NewTask(function="add", args=(1, 2)))
    disk["full"] = True
    f.gates["full"].set()
    until(queue, lambda: queue.get(running.id).status is Status.COMPLETED)
    assert disk["spent"].is_set()
    events.wait(WorkerTrouble, problem="the disk is full: it claims no new task")
    assert queue.get(behind.id).status is Status.PENDING
    disk["full"] = False
    until(queue, lambda: queue.get(behind.id).status is Status.COMPLETED)
    assert outcomes(queue, running.id) == outcomes(queue, behind.id) == ["completed"]
    worker.stop()
    worker.join()


def test_an_idle_worker_outlives_a_full_disk(queue, start_worker, events, disk, monkeypatch):
    def no_room_for_what_is_in_the_log(database, *, limit=1):
        if limit == 0:
            raise DiskFullError("the disk is full")

    monkeypatch.setattr("jobrunner.runtime.keepalive.wal.cut", no_room_for_what_is_in_the_log)
    worker = start_worker(heartbeat=0.1)
    events.wait(WorkerStarted)
    disk["full"] = True
    assert disk["spent"].wait(PATIENCE)
    before = queue.workers()[0].beat
    until(queue, lambda: queue.workers()[0].beat > before + 2)
    disk["full"] = False
    assert queue.wait([queue.enqueue(f.add.bind(1, 2))], timeout=60)[0].returned == 3
    worker.stop()
    worker.join()
