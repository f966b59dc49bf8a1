"""The sweeps: silent workers by the observer's own clock, overdue tasks, orphans, old rows."""

from datetime import timedelta

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.events import DependentCancelled, TaskRescued, WorkerLost
from jobrunner.core.outcome import Completed, Ended
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from jobrunner.runtime.identity import boot_id
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import (
    OVERDUE_GRACE,
    PRUNE_EVERY,
    SERVER_SWEEP_EVERY,
    SWEEP_EVERY,
    Maintenance,
)
from jobrunner.storage import claim, wal, workers
from jobrunner.storage.settle import settle
from jobrunner.storage.types import micros
from tests.runtime.support import FakeClock, outcomes, register_ada

LOST_AFTER = 30.0


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def queue(location, events, clock):
    queue = TaskQueue(location, emit=events, clock=clock)
    yield queue
    queue.close()


@pytest.fixture
def maintenance(queue, clock, events, tmp_path):
    liveness = Liveness(tmp_path / "locks")
    return Maintenance(queue.database, liveness, clock=clock, emit=events, lost_after=LOST_AFTER)


@pytest.fixture
def soon(queue):
    """Seconds in which what is due a second from now is seen to."""
    return 2 + 2 * (SWEEP_EVERY if queue.database.path else SERVER_SWEEP_EVERY)


@pytest.fixture
def hold(queue, clock):
    """Have a worker, `ada`, hold a task."""
    register_ada(queue, clock)

    def hold(**fields):
        task = queue.enqueue(NewTask(function="add", **fields))
        with queue.database.writing() as transaction:
            (lease,) = claim.claim(
                transaction, worker_id="ada", token=task.id + 100, limit=1, now=clock.now()
            )
        return lease

    return hold


def sweep_for(maintenance, clock, seconds, *, each=lambda: None):
    """Let time pass as an observer sees it who looks every half second."""
    rescued = False
    for _ in range(round(seconds / SWEEP_EVERY)):
        clock.later(SWEEP_EVERY)
        each()
        rescued |= maintenance.sweep()
    return rescued


def beat(queue, clock):
    with queue.database.writing() as transaction:
        workers.beat(transaction, "ada", now=clock.now())


def test_a_worker_that_shows_no_life_is_lost_and_its_task_runnable(
    queue, hold, maintenance, clock, events, soon
):
    lease = hold()
    maintenance.sweep()
    assert not sweep_for(maintenance, clock, LOST_AFTER - 1)
    assert sweep_for(maintenance, clock, soon)
    task = queue.get(lease.task_id)
    assert (task.status, task.crashes) == (Status.PENDING, 1)
    assert outcomes(queue, task.id) == ["lost"]
    reason = "it showed no life for 30 s"
    assert events.of(WorkerLost, worker_id="ada", reason=reason)
    assert events.of(TaskRescued, task_id=task.id, status=Status.PENDING, error=reason)


def test_a_lock_file_says_nothing_of_a_worker_of_another_boot(queue, clock, events, tmp_path):
    info = register_ada(queue, clock)
    liveness = Liveness(tmp_path / "locks")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / info.id).touch()  # nobody holds it: on this boot that is a death
    observer = Maintenance(queue.database, liveness, clock=clock, emit=events, lost_after=30)
    assert liveness.is_dead(info.id)
    assert info.boot_id != boot_id()
    observer.sweep()
    assert events.of(WorkerLost) == []


def test_who_dies_during_a_sweep_is_seen_by_the_next_look(
    queue, maintenance, clock, events, tmp_path, monkeypatch
):
    monkeypatch.setattr(maintenance, "_boot_id", register_ada(queue, clock).boot_id)
    (tmp_path / "locks").mkdir()
    monkeypatch.setattr(maintenance, "_prune", lambda _: (tmp_path / "locks" / "ada").touch())
    maintenance.sweep()
    assert events.of(WorkerLost) == []
    clock.later(SWEEP_EVERY)
    maintenance.sweep()
    assert events.of(WorkerLost, worker_id="ada", reason="its process has died")


def test_every_beat_starts_the_count_anew(queue, hold, maintenance, clock):
    hold()
    for _ in range(4):
        beat(queue, clock)
        assert not sweep_for(maintenance, clock, LOST_AFTER - 1)


def test_a_frozen_observer_does_not_count_its_own_frozen_time(queue, hold, maintenance, clock):
    hold()
    maintenance.sweep()
    for _ in range(5):
        clock.later(3600)  # a suspended laptop, or SIGSTOP
        assert not maintenance.sweep()
    assert queue.workers()[0].status is WorkerStatus.RUNNING


def test_a_step_of_the_wall_clock_loses_nobody(queue, hold, maintenance, clock):
    hold()
    maintenance.sweep()
    for hours in (-2, 4, 300):
        clock.moment += timedelta(hours=hours)
        assert not sweep_for(maintenance, clock, 5)
    assert queue.workers()[0].status is WorkerStatus.RUNNING


def test_a_beat_at_the_last_moment_saves_a_worker(queue, hold, maintenance, clock):
    """Between the look and the verdict the worker may show life: the counter decides."""
    hold()
    (seen,) = queue.workers()
    beat(queue, clock)
    assert not maintenance.bury(seen, "it looked dead")
    assert queue.workers()[0].status is WorkerStatus.RUNNING


def test_a_worker_is_buried_once(queue, hold, maintenance, events):
    lease = hold()
    (seen,) = queue.workers()
    assert maintenance.bury(seen, "first")
    assert not maintenance.bury(seen, "second")
    assert queue.workers()[0].error == "first"
    assert outcomes(queue, lease.task_id) == ["lost"]
    assert len(events.of(WorkerLost)) == 1


def test_a_task_that_overruns_under_a_live_worker_is_taken_away(
    queue, hold, maintenance, clock, events, soon
):
    lease = hold(timeout=timedelta(seconds=10))
    maintenance.sweep()
    keep_alive = lambda: beat(queue, clock)  # noqa: E731
    assert not sweep_for(maintenance, clock, 10 + OVERDUE_GRACE - 1, each=keep_alive)
    assert sweep_for(maintenance, clock, soon, each=keep_alive)
    task = queue.get(lease.task_id)
    assert (task.status, task.crashes) == (Status.SCHEDULED, 0)
    assert outcomes(queue, task.id) == ["timed_out"]
    assert queue.history(task.id)[0].error == "ran longer than 10 s; taken from its worker"


def test_the_next_claim_of_an_overdue_task_is_counted_anew(queue, hold, maintenance, clock):
    lease = hold(timeout=timedelta(seconds=10))
    maintenance.sweep()
    keep_alive = lambda: beat(queue, clock)  # noqa: E731
    sweep_for(maintenance, clock, 30, each=keep_alive)
    done = Ended(lease, Completed(), micros(clock.now()), micros(clock.now()))
    with queue.database.writing() as transaction:
        settle(transaction, [done], worker_id="ada", now=clock.now(), backoff=lambda _: timedelta())
    hold(timeout=timedelta(seconds=10))
    assert not sweep_for(maintenance, clock, 30, each=keep_alive)


def test_a_task_whose_worker_has_ended_is_rescued(queue, hold, maintenance, clock):
    lease = hold()
    with queue.database.writing() as transaction:
        workers.set_stopped(transaction, "ada", now=clock.now())
    assert maintenance.sweep()
    assert queue.get(lease.task_id).status is Status.PENDING


def test_dependents_that_a_rescue_cancels_are_told(queue, hold, maintenance, clock, events, soon):
    lease = hold(max_attempts=1, timeout=timedelta(seconds=1))
    dependent = queue.enqueue(NewTask(function="add", after=[lease.task_id]))
    maintenance.sweep()
    keep_alive = lambda: beat(queue, clock)  # noqa: E731
    assert sweep_for(maintenance, clock, OVERDUE_GRACE + soon, each=keep_alive)
    assert events.of(DependentCancelled, task_id=dependent.id, parent_id=lease.task_id)


def test_old_tasks_are_pruned_now_and_then(queue, maintenance, clock):
    old = queue.enqueue(NewTask(function="add"))
    queue.cancel(old.id)
    maintenance.sweep()
    assert queue.find()
    clock.moment += timedelta(days=8)
    sweep_for(maintenance, clock, 61)
    assert queue.find() == []


def test_workers_nobody_names_their_lock_files_and_a_long_log_go_with_the_old_tasks(
    queue, clock, events, tmp_path, monkeypatch
):
    cut = []
    monkeypatch.setattr(wal, "cut", cut.append)
    liveness = Liveness(tmp_path / "locks")
    maintenance = Maintenance(
        queue.database, liveness, clock=clock, emit=events, lost_after=LOST_AFTER
    )
    register_ada(queue, clock)
    with queue.database.writing() as transaction:
        workers.set_stopped(transaction, "ada", now=clock.now())
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "ada").touch()
    clock.moment += 2 * workers.KEPT
    sweep_for(maintenance, clock, 2 * PRUNE_EVERY + 1)
    assert queue.workers() == []
    assert list((tmp_path / "locks").iterdir()) == []
    assert set(cut) == {queue.database}
