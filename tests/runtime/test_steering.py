"""A worker does within moments what it is told, and never kills what it runs for that."""

import pytest

from jobrunner.core.control_errors import WorkerNotFoundError
from jobrunner.core.errors import ConfigurationError, WaitTimeoutError
from jobrunner.core.events import WorkerPaused, WorkerResized, WorkerResumed, WorkerStopped
from jobrunner.core.status import Status
from tests.runtime.functions import gates
from tests.runtime.support import until


@pytest.fixture
def add(queue):
    """Store tasks that run until their gate is opened; returns their ids."""

    def store(count, gate="", **options):
        new = [queue.new_task("block", args=[gate], **options) for _ in range(count)]
        return queue.enqueue_ids(new)

    return store


@pytest.fixture
def running(queue):
    """Wait until so many tasks run."""

    def wait(count):
        until(queue, lambda: queue.counts()[Status.IN_PROGRESS] == count)
        until(queue, lambda: sum(task.progress is not None for task in queue.find()) >= count)

    return wait


def only(queue):
    (worker,) = [one for one in queue.workers() if one.stopped_at is None]
    return worker


def row(queue, worker_id):
    return {one.id: one for one in queue.workers()}[worker_id]


def in_progress(queue):
    return queue.counts()[Status.IN_PROGRESS]


def end(queue, *ids):
    for task_id in ids:
        queue.cancel(task_id)
    queue.wait(ids, timeout=60)


def started(queue):
    return until(queue, lambda: [one for one in queue.workers() if one.stopped_at is None])[0]


class TestPause:
    def test_a_paused_worker_claims_nothing_and_ends_what_it_runs(
        self, queue, add, running, start_worker, events
    ):
        start_worker(concurrency=1)
        first, second = add(2)
        running(1)
        told = queue.crews.pause(only(queue).id[:5])
        assert [worker.id for worker in told.workers] == [only(queue).id]
        assert told.workers[0].paused_at is not None
        gates[""].set()
        assert queue.wait([first], timeout=60)[0].status is Status.COMPLETED
        events.wait(WorkerPaused)
        assert queue.get(second).status is Status.PENDING
        queue.crews.resume(only(queue).id)
        events.wait(WorkerResumed)
        assert queue.wait([second], timeout=60)[0].status is Status.COMPLETED

    def test_what_was_claimed_ahead_and_has_not_started_is_given_back(
        self, queue, running, start_worker, events
    ):
        # Fast tasks first, so that the worker claims ahead; then one that does not end.
        queue.enqueue_ids([queue.new_task("add", args=[1, 2]) for _ in range(300)])
        stuck = queue.new_task("block", args=["ahead"])
        queue.enqueue_ids([stuck] + [queue.new_task("add", args=[1, 2]) for _ in range(30)])
        start_worker(concurrency=1)
        until(queue, lambda: queue.counts()[Status.COMPLETED] == 300)
        running(1)
        queue.crews.pause(every=True)
        events.wait(WorkerPaused)
        until(queue, lambda: queue.counts()[Status.IN_PROGRESS] == 1)
        assert all(task.attempt == 0 for task in queue.find(status=Status.PENDING))
        gates["ahead"].set()
        queue.crews.resume(every=True)
        until(queue, lambda: queue.counts()[Status.COMPLETED] == 331)

    def test_a_crew_stays_paused_for_those_that_come(self, queue, add, start_worker, events):
        queue.crews.pause("night", crew=True)
        start_worker(name="night")
        paused = events.wait(WorkerPaused)
        (task,) = add(1)
        gates[""].set()
        start_worker(name="day")
        queue.wait([task], timeout=60)
        assert queue.get(task).worker_id != paused.worker_id
        (crew,) = queue.crews.list()
        assert (crew.name, crew.paused_at is not None) == ("night", True)
        queue.crews.resume("night")
        events.wait(WorkerResumed, worker_id=paused.worker_id)
        assert queue.crews.list() == []

    def test_a_paused_worker_waits_with_the_end_until_all_is_done(
        self, queue, add, start_worker, events
    ):
        queue.crews.pause("night", crew=True)
        add(1)
        gates[""].set()
        worker = start_worker({"until_empty": True}, name="night")
        events.wait(WorkerPaused)
        assert events.of(WorkerStopped) == []
        queue.crews.resume("night")
        worker.join()
        assert queue.counts()[Status.COMPLETED] == 1

    def test_one_that_was_lost_stays_paused_under_its_new_id(self, queue, start_worker, events):
        worker = start_worker().worker
        first = started(queue).id
        queue.crews.pause(first)
        events.wait(WorkerPaused)
        worker._on_lost()
        until(queue, lambda: worker.id != first and row(queue, worker.id).paused_at)


class TestDrain:
    def test_it_returns_when_nothing_runs(self, queue, add, running, start_worker):
        start_worker()
        add(3)
        running(2)
        open_counts = []

        def look(held):
            open_counts.append(held)
            gates[""].set()

        queue.crews.drain(every=True, timeout=60, on_open=look)
        assert open_counts[0] == 2
        assert queue.counts()[Status.IN_PROGRESS] == 0
        assert queue.counts()[Status.PENDING] == 1

    def test_it_says_what_still_runs_when_it_takes_too_long(
        self, queue, add, running, start_worker
    ):
        start_worker()
        (task,) = add(1)
        running(1)
        with pytest.raises(WaitTimeoutError, match=f"task {task}") as told:
            queue.crews.drain(only(queue).id, timeout=0.05)
        assert "stay paused" in told.value.hint
        assert only(queue).paused_at is not None


class TestStop:
    def test_it_ends_in_order_and_only_those_that_run(self, queue, add, running, start_worker):
        worker = start_worker(name="night", shutdown_grace=60)
        (task,) = add(1)
        running(1)
        queue.crews.stop("night")
        queue.crews.stop("night")  # a second time is no hurry
        until(queue, lambda: queue.workers()[0].status == "stopping")
        gates[""].set()
        worker.join()
        assert queue.get(task).status is Status.COMPLETED
        start_worker(name="night")
        (more,) = add(1)
        queue.wait([more], timeout=60)


class TestResize:
    @pytest.mark.parametrize(
        ("executor", "function"),
        [("thread", "obey"), ("process", "obey"), ("async", "await_forever")],
    )
    def test_it_grows_at_once_and_shrinks_as_tasks_end(
        self, queue, running, start_worker, events, executor, function
    ):
        start_worker(concurrency=1, executor=executor)
        ids = queue.enqueue_ids([queue.new_task(function) for _ in range(5)])
        until(queue, lambda: in_progress(queue) == 1)
        queue.crews.resize(only(queue).id, 3)
        running(3)  # what has not begun would be given back
        until(queue, lambda: (only(queue).concurrency, only(queue).wanted) == (3, 3))
        queue.crews.resize(only(queue).id, 2)
        events.wait(WorkerResized, concurrency=2)
        first, second, *_ = [task.id for task in queue.find(status=Status.IN_PROGRESS)]
        assert in_progress(queue) == 3  # nothing is killed
        end(queue, first)
        assert in_progress(queue) == 2
        end(queue, second)
        until(queue, lambda: in_progress(queue) == 2)
        assert queue.counts()[Status.PENDING] == 1
        end(queue, *[one for one in ids if not queue.get(one).status.is_final])

    def test_threads_and_children_that_are_too_many_end(self, queue, start_worker, events):
        worker = start_worker(concurrency=4, executor="process")
        queue.wait(queue.enqueue_ids([queue.new_task("pid") for _ in range(8)]), timeout=60)
        slots = worker.worker._executors._slots
        assert slots._threads == 4
        queue.crews.resize(only(queue).id, 1)
        events.wait(WorkerResized, concurrency=1)
        until(queue, lambda: slots._threads == 1)
        more = queue.wait(queue.enqueue_ids([queue.new_task("pid")] * 4), timeout=60)
        assert len({task.result() for task in more}) == 1

    def test_a_crew_keeps_its_size_and_gives_it_back(self, queue, start_worker, events):
        start_worker(name="night", concurrency=2)
        assert started(queue).crew == "night"
        queue.crews.resize("night", 5)
        events.wait(WorkerResized, concurrency=5)
        start_worker(name="night", concurrency=3)
        until(queue, lambda: [one.concurrency for one in queue.workers()] == [5, 5])
        queue.crews.resize("night")
        until(queue, lambda: sorted(one.concurrency for one in queue.workers()) == [2, 3])
        assert queue.crews.list() == []


class TestWhom:
    def test_who_is_not_there_cannot_be_told(self, queue):
        with pytest.raises(WorkerNotFoundError, match="'night'"):
            queue.crews.pause("night")
        assert queue.crews.list() == []

    @pytest.mark.parametrize(
        ("who", "whom"),
        [(None, {}), ("a", {"every": True}), ("", {"crew": True}), (5, {"crew": True})],
    )
    def test_it_must_be_said_to_whom(self, queue, who, whom):
        with pytest.raises(ConfigurationError):
            queue.crews.pause(who, **whom)

    @pytest.mark.parametrize("size", [0, -1, 10_001, True, "3", 1.5, 10**30])
    def test_a_size_is_a_number_of_tasks(self, queue, size):
        with pytest.raises(ConfigurationError, match="concurrency"):
            queue.crews.resize("night", size, crew=True)
