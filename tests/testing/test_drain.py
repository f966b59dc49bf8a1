"""A drain runs all that can run in this thread, and settles it as a worker does."""

import threading

import pytest

from jobrunner import DatabaseError, Snooze, Status, context
from jobrunner.core.errors import ConfigurationError
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.running import OutsideTaskError
from jobrunner.testing import DrainLimitError, drain


def test_it_runs_in_this_thread_in_the_order_of_claims(queue, log):
    @queue.task
    def note(word):
        log.append((word, threading.current_thread()))

    for word, priority in (("low", -1), ("first", 0), ("second", 0), ("high", 1)):
        note.using(priority=priority).enqueue(word)
    drained = drain(queue)
    assert [word for word, _ in log] == ["high", "first", "second", "low"]
    assert {thread for _, thread in log} == {threading.current_thread()}
    assert [task.args for task in drained.tasks] == [(word,) for word, _ in log]
    assert drained.outcomes == {"completed": 4}


def test_it_follows_what_tasks_enqueue_and_release(queue, log):
    @queue.task
    def step(left):
        log.append(left)
        if left:
            step.using(after=[context.task_id]).enqueue(left - 1)

    step.enqueue(3)
    drained = drain(queue)
    assert log == [3, 2, 1, 0]
    assert {task.status for task in drained.tasks} == {Status.COMPLETED}


def test_coroutines_run_too_even_where_a_loop_runs_already(queue):
    @queue.task
    async def double(number):
        return 2 * number

    async def test_of_an_application():
        task = double.enqueue(21)
        drain(queue)
        return task.result()

    first = double.enqueue(1)
    drain(queue)
    assert first.result() == 2
    with pytest.raises(StopIteration) as ended:  # the least that awaits a coroutine without a loop
        test_of_an_application().send(None)
    assert ended.value.value == 42

    import asyncio

    assert asyncio.run(test_of_an_application()) == 42


def test_commands_run_too(queue):
    task = queue.enqueue_command(["sh", "-c", 'echo "task $JOBRUNNER_TASK_ID"'])
    assert drain(queue).outcomes == {"completed": 1}
    assert queue.history(task.id)[0].stdout == f"task {task.id}\n"


def test_history_and_dependents_are_those_of_production(queue):
    @queue.task(max_attempts=1)
    def fail():
        raise ValueError("broken")

    @queue.task
    def after():
        """Never runs."""

    parent = fail.enqueue()
    child = after.using(after=[parent]).enqueue()
    drained = drain(queue, raise_errors=False)
    assert drained.tasks[0].error == "ValueError: broken"
    assert child.refresh().status is Status.CANCELLED
    (record,) = queue.history(parent.id)
    assert (record.outcome, record.number) == ("failed", 1)
    assert record.traceback.splitlines()[1].strip().startswith("File")
    assert "stand_in" not in record.traceback


def test_scheduled_tasks_stay_unless_they_are_asked_for(queue, clock):
    @queue.task
    def later(): ...

    task = later.using(delay=3600).enqueue()
    assert drain(queue).tasks == []
    before = clock.now()
    assert drain(queue, with_scheduled=True).outcomes == {"completed": 1}
    assert clock.now() == before.replace(hour=before.hour + 1) == task.refresh().started_at


def test_retries_with_their_backoff_run_too(queue, clock):
    @queue.task
    def flaky():
        if context.attempt < 3:
            raise OSError("not yet")
        return context.attempt

    task = flaky.enqueue()
    drained = drain(queue, with_scheduled=True, raise_errors=False)
    assert drained.outcomes == {"failed": 2, "completed": 1}
    assert task.result() == 3
    assert 30 < clock.monotonic() < 60


def test_a_clock_that_cannot_be_moved_is_told_before_anything_runs(queue, log):
    @queue.task
    def note():
        log.append("ran")

    note.enqueue()
    queue.clock = SystemClock()
    with pytest.raises(ConfigurationError, match="a SystemClock, cannot be moved") as raised:
        drain(queue, with_scheduled=True)
    assert "StubClock" in raised.value.hint
    assert log == []


def test_a_task_that_snoozes_for_ever_ends_the_drain(queue):
    @queue.task
    def poll():
        raise Snooze(60)

    poll.enqueue()
    with pytest.raises(DrainLimitError, match=r"after 7 attempts .* task 1 ran 7 times"):
        drain(queue, with_scheduled=True, limit=7)


def test_a_task_that_enqueues_itself_for_ever_ends_the_drain(queue):
    @queue.task
    def again():
        again.enqueue()

    again.enqueue()
    with pytest.raises(DrainLimitError, match="after 7 attempts"):
        drain(queue, limit=7)


def test_a_queue_that_becomes_empty_at_the_limit_is_no_error(queue):
    @queue.task
    def note(): ...

    queue.enqueue_many([note.bind() for _ in range(5)])
    assert drain(queue, limit=5).outcomes == {"completed": 5}


def test_nothing_of_an_attempt_stays_behind(queue):
    @queue.task
    def note():
        context.progress(1)

    note.enqueue()
    drain(queue)
    with pytest.raises(OutsideTaskError):
        context.task_id  # noqa: B018 — reading it is the fact


def test_inside_a_transaction_it_is_refused(queue):
    @queue.task
    def note(): ...

    with queue.transaction():
        note.enqueue()
        with pytest.raises(DatabaseError, match="open already"):
            drain(queue)
    assert drain(queue).outcomes == {"completed": 1}


def test_progress_and_checkpoints_are_stored(queue):
    @queue.task
    def crawl(pages):
        for _ in context.resume(pages):
            pass

    task = crawl.enqueue(["a", "b"])
    drain(queue)
    assert task.refresh().progress.done == 2


def test_a_timeout_is_not_enforced(queue, clock):
    @queue.task(timeout=1)
    def overrun():
        clock.advance(60)
        context.check()

    task = overrun.enqueue()
    assert drain(queue).outcomes == {"completed": 1}
    (record,) = queue.history(task.id)
    assert (record.ended_at - record.started_at).total_seconds() == 60


def test_a_task_that_waits_for_an_event_is_not_waited_for(queue):
    @queue.task
    def wait():
        return context.wait_for("approved")

    task = wait.enqueue()
    assert drain(queue, with_scheduled=True).outcomes == {"waiting": 1}
    queue.events.send("approved", "yes")
    assert drain(queue, with_scheduled=True).outcomes == {"completed": 1}
    assert task.refresh().returned == "yes"
