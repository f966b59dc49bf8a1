"""Threads that run tasks: stopped where possible, left behind and replaced where not."""

import ctypes
import sys
import threading

import pytest

from jobrunner.core.events import TaskSettled
from jobrunner.core.signals import Stopped, StopReason
from jobrunner.core.status import Status
from jobrunner.runtime.attempt import Attempt, steps_for
from jobrunner.runtime.executors.thread import ThreadControl, ThreadExecutor
from jobrunner.runtime.registry import Function
from tests.runtime import functions as f
from tests.runtime.support import FakeClock, outcomes, until
from tests.runtime.test_attempt import LEASE


def test_a_thread_that_does_not_end_is_replaced_and_its_late_result_changes_nothing(
    queue, start_worker, events
):
    stuck = queue.enqueue(f.block.using(timeout=0.1, max_attempts=1).bind("late result"))
    start_worker(concurrency=1, kill_grace=0.1)
    assert queue.wait([stuck], timeout=60)[0].error == "ran longer than 0.1 s"
    # The only slot works again, while the thread still blocks.
    after = queue.enqueue(f.add.bind(1, 1))
    assert queue.wait([after], timeout=60)[0].returned == 2
    before = queue.get(stuck.id)
    f.gates["late result"].set()
    last = queue.enqueue(f.add.bind(2, 2))
    assert queue.wait([last], timeout=60)[0].returned == 4
    assert queue.get(stuck.id) == before
    assert outcomes(queue, stuck.id) == ["timed_out"]
    assert len(events.of(TaskSettled, task_id=stuck.id)) == 1


def test_a_slot_is_replaced_as_often_as_it_is_lost(queue, start_worker):
    stuck = [f.block.using(timeout=0.05, max_attempts=1).bind("never") for _ in range(6)]
    tasks = queue.enqueue_many([*stuck, *(f.add.bind(n, n) for n in range(3))])
    start_worker(concurrency=2, kill_grace=0.05)
    ended = queue.wait(tasks, timeout=60)
    assert [task.returned for task in ended[6:]] == [0, 2, 4]
    assert {task.status for task in ended[:6]} == {Status.FAILED}
    f.gates["never"].set()


def test_an_exception_raised_into_one_task_never_reaches_the_next(queue, start_worker):
    """A thread that was raised into is retired, whether or not the exception came up."""
    spinning = [f.spin.using(timeout=0.02, max_attempts=1).bind() for _ in range(8)]
    quick = [f.add.bind(n, 1) for n in range(40)]
    mixed = [
        task
        for pair in zip(spinning, zip(*[iter(quick)] * 5, strict=True), strict=True)
        for task in (pair[0], *pair[1])
    ]
    start_worker(concurrency=2, kill_grace=0.0)
    ended = queue.wait(queue.enqueue_many(mixed), timeout=60)
    failed = [task for task in ended if task.status is not Status.COMPLETED]
    assert {task.function for task in failed} == {"spin"}
    assert {task.error for task in failed} == {"ran longer than 0.02 s"}


def test_a_stop_never_breaks_into_a_transaction(queue, start_worker):
    """A lock of the connection pool that is never released would hang the worker."""
    saving = [f.save_forever.using(timeout=0.02, max_attempts=1).bind() for _ in range(30)]
    tasks = queue.enqueue_many(saving)
    started = start_worker(concurrency=4, kill_grace=0.0)
    ended = queue.wait(tasks, timeout=60)
    assert {task.error for task in ended} == {"ran longer than 0.02 s"}
    started.stop()
    started.join()


def test_what_is_raised_into_a_shielded_thread_waits_for_the_end_of_the_shield():
    inside, go_on = threading.Event(), threading.Event()
    reached = []

    def run():
        try:
            with control.shielded():
                inside.set()
                go_on.wait(60)
                reached.append("the end of the transaction")
            reached.append("the code after it")
        except Stopped:
            reached.append("stopped")

    thread = threading.Thread(target=run)
    control = ThreadControl(0, running=None)
    thread.start()
    inside.wait(60)
    control.kill()
    go_on.set()
    thread.join()
    assert reached == ["the end of the transaction", "stopped"]


def test_an_end_is_reported_whenever_an_exception_comes_up(queue):
    """Killed at the very moment of its end, an attempt must still be heard of, once."""
    executor = ThreadExecutor(queue.database, queue.clock)
    steps = steps_for(StopReason.NOW, kill_grace=0, shutdown_grace=0)
    clock = FakeClock()
    for number in range(400):
        ends, returning = [], threading.Event()
        attempt = Attempt(LEASE, clock=clock, on_end=lambda _, ended, to=ends: to.append(ended))
        attempt.function = Function("work", returning.set)
        thread = threading.Thread(target=executor, args=(attempt,))
        thread.start()
        returning.wait()
        for _ in range(number % 40):
            pass
        attempt.stop(StopReason.NOW, steps[:1], clock.monotonic())
        thread.join()
        assert len(ends) == 1, number


def test_an_exception_that_comes_up_while_the_end_is_reported_loses_nothing(queue):
    """The worst moment: it is raised by one that holds the lock that the end waits for."""
    executor = ThreadExecutor(queue.database, queue.clock)
    ends, go_on = [], threading.Event()
    attempt = Attempt(LEASE, clock=FakeClock(), on_end=lambda _, ended: ends.append(ended))
    attempt.function = Function("work", go_on.wait)
    thread = threading.Thread(target=executor, args=(attempt,))
    thread.start()
    while attempt.began is None:
        pass
    with attempt._lock:
        go_on.set()
        while sys._current_frames()[thread.ident].f_code.co_name != "end":
            pass
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(Stopped)
        )
    thread.join()
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("function", "inside"),
    [(f.spin, "spin"), (f.await_forever, "run_until_complete")],
    ids=["def", "async def"],
)
def test_a_stopped_thread_frees_its_processor(queue, start_worker, function, inside):
    """Raised into, not left behind: the worker's time is its own again."""
    task = queue.enqueue(function.bind())
    start_worker(concurrency=1, kill_grace=0.05)
    until(queue, lambda: inside in running_code())
    queue.cancel(task.id)
    queue.wait([task], timeout=60)
    until(queue, lambda: inside not in running_code())


def running_code():
    """In which functions the threads of this process are."""
    for top in sys._current_frames().values():
        frame = top
        while frame:
            yield frame.f_code.co_name
            frame = frame.f_back


def test_work_that_was_given_back_is_released(queue, start_worker):
    task = queue.enqueue(f.block.bind("released"))
    started = start_worker(concurrency=1)
    until(queue, lambda: queue.get(task.id).progress)
    started.stop_at_once()
    f.gates["released"].set()
    assert queue.get(task.id).status is Status.PENDING
    assert outcomes(queue, task.id) == ["released"]
