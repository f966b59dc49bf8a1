"""Coroutines share one loop, so many at a time; one that does not end is replaced."""

import asyncio

import pytest

from jobrunner import TaskQueue
from jobrunner.core.status import Status
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.executors.aio import AsyncExecutor
from tests.runtime import functions as f


@pytest.fixture
def crowd():
    """A coroutine function that counts how many of it run at once."""
    running, most = [0], [0]

    async def crowd():
        running[0] += 1
        most[0] = max(most[0], running[0])
        for _ in range(5):
            await asyncio.get_running_loop().run_in_executor(None, int)
        running[0] -= 1

    return crowd, most


def test_never_more_coroutines_run_than_there_are_slots(queue: TaskQueue, drain, crowd):
    """Even where the worker has claimed far ahead, after many fast tasks."""
    function, most = crowd
    crowded = queue.task(function)
    queue.enqueue_many([f.add_async.bind(n, n) for n in range(300)])
    queue.enqueue_many([crowded.bind() for _ in range(60)])
    drain(executor="async", concurrency=3)
    assert queue.counts()[Status.COMPLETED] == 360
    assert most == [3]


def test_a_coroutine_that_does_not_end_gives_up_its_slot(queue: TaskQueue, start_worker):
    async def refuse():
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    stubborn = queue.task(refuse)
    stuck = queue.enqueue_many(
        [stubborn.using(timeout=0.05, max_attempts=1).bind() for _ in range(3)]
    )
    after = queue.enqueue_many([f.add_async.bind(n, n) for n in range(3)])
    start_worker(executor="async", concurrency=1, kill_grace=0.05)
    ended = queue.wait([*stuck, *after], timeout=60)
    assert [task.error for task in ended[:3]] == ["ran longer than 0.05 s"] * 3
    assert [task.returned for task in ended[3:]] == [0, 2, 4]


def test_functions_run_in_threads_beside_the_loop(queue: TaskQueue, start_worker):
    """A function that blocks does not hold up the coroutines."""
    blocked = queue.enqueue(f.block.bind("beside"))
    tasks = queue.enqueue_many([f.add_async.bind(n, n) for n in range(5)])
    start_worker(executor="async", concurrency=2)
    queue.wait(tasks, timeout=60)
    assert not queue.get(blocked.id).status.is_final
    f.gates["beside"].set()
    queue.wait([blocked], timeout=60)


def test_a_loop_that_is_made_smaller_keeps_the_next_slots_that_become_free():
    executor = AsyncExecutor(2, None, SystemClock(), str)
    slots, loop = executor._slots, executor._loop

    def on_the_loop(call):
        async def ask():
            return await call() if call == slots.acquire else call()

        return asyncio.run_coroutine_threadsafe(ask(), loop).result(60)

    for _ in range(2):
        on_the_loop(slots.acquire)
    executor.resize(1)
    executor.add_slot()
    assert on_the_loop(slots.locked)  # that one was to go
    executor.add_slot()
    assert not on_the_loop(slots.locked)
    executor.resize(2)
    executor.resize(1)  # the free one goes at once
    on_the_loop(slots.acquire)
    assert on_the_loop(slots.locked)
    executor.close()
