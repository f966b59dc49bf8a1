"""Inline, a task runs as soon as the transaction that enqueues it has committed."""

import pytest

from jobrunner import DatabaseError, Status, context
from jobrunner.testing import DrainLimitError, drain, inline


def test_a_task_has_run_when_enqueue_returns(queue, note, log):
    with inline(queue):
        task = note.enqueue("hello")
        assert log == ["hello"]
        assert task.status is Status.COMPLETED
        assert task.result() == "hello"


def test_in_a_transaction_tasks_run_after_its_commit(queue, note, log):
    with inline(queue):
        with queue.transaction():
            note.enqueue("one")
            with queue.transaction():
                note.enqueue("two")
            assert log == []
        assert log == ["one", "two"]


def test_a_transaction_that_is_rolled_back_runs_nothing(queue, note, log):
    def roll_back():
        with queue.transaction():
            note.enqueue("never")
            raise ZeroDivisionError

    with inline(queue):
        with pytest.raises(ZeroDivisionError):
            roll_back()
        assert log == []
    assert queue.find() == []


def test_what_a_task_enqueues_runs_before_its_enqueue_returns(queue, note, log):
    @queue.task
    def parent():
        log.append("parent begins")
        assert note.enqueue("child").result() == "child"
        log.append("parent ends")
        return context.task_id

    with inline(queue):
        task = parent.enqueue()
    assert log == ["parent begins", "child", "parent ends"]
    assert task.result() == task.id


def test_a_dependent_of_a_running_task_runs_after_it(queue, note, log):
    @queue.task
    def parent():
        note.using(after=[context.task_id]).enqueue("dependent")
        log.append("parent ends")

    with inline(queue):
        parent.enqueue()
    assert log == ["parent ends", "dependent"]


def test_a_long_chain_needs_no_deep_stack(queue, log):
    @queue.task
    def step(left):
        if left:
            step.enqueue(left - 1)
        log.append(left)

    with inline(queue):
        step.enqueue(100)
    assert sorted(log) == list(range(101))
    assert queue.counts()[Status.COMPLETED] == 101


def test_coroutines_run_inside_one_another(queue):
    @queue.task
    async def outer():
        return 1 + inner.enqueue().result()

    @queue.task
    async def inner():
        return 1

    with inline(queue):
        assert outer.enqueue().result() == 2


def test_an_error_does_not_reach_the_code_that_enqueues_but_the_end_of_the_block(queue, log):
    error = ValueError("broken")

    @queue.task
    def fail():
        raise error

    def block():
        with inline(queue) as errors:
            log.append(fail.enqueue().status)
            assert errors == [error]

    with pytest.raises(ValueError, match="broken") as raised:
        block()
    assert raised.value is error
    assert log == [Status.SCHEDULED]


def test_without_raise_errors_the_block_ends_in_peace(queue):
    @queue.task(max_attempts=1)
    def fail():
        raise ValueError("broken")

    with inline(queue, raise_errors=False) as errors:
        assert fail.enqueue().status is Status.FAILED
    assert [str(error) for error in errors] == ["broken"]


def test_a_block_that_fails_by_itself_tells_of_the_tasks_errors(queue):
    @queue.task
    def fail():
        raise ValueError("broken")

    def block():
        with inline(queue):
            fail.enqueue()
            raise AssertionError("no result")

    with pytest.raises(AssertionError, match="no result") as raised:
        block()
    assert raised.value.__notes__ == ["before that, in task 1, fail, attempt 1: ValueError: broken"]


def test_delayed_tasks_and_retries_wait_for_a_drain(queue, note, log):
    with inline(queue):
        note.using(delay=60).enqueue("later")
        assert log == []
        drain(queue, with_scheduled=True)
        assert log == ["later"]


def test_retrying_a_failed_task_runs_it_at_once(queue, log):
    @queue.task(max_attempts=1)
    def second_time():
        log.append("ran")
        if len(log) == 1:
            raise ValueError("the first time")

    with inline(queue, raise_errors=False):
        task = second_time.enqueue()
        queue.retry(task.id)
    assert task.refresh().status is Status.COMPLETED


def test_after_the_block_the_queue_is_as_before(queue, note, log):
    with inline(queue):
        pass
    with pytest.raises(ZeroDivisionError), inline(queue):
        raise ZeroDivisionError
    note.enqueue("waits")
    assert log == []
    assert queue.after_commit == []


def test_a_task_that_enqueues_itself_for_ever_is_told(queue):
    @queue.task
    def again():
        again.enqueue()

    def block():
        with inline(queue, raise_errors=False, limit=50):
            again.enqueue()

    with pytest.raises(DrainLimitError, match="after 50 attempts"):
        block()


def test_a_write_inside_a_transaction_of_a_task_runs_after_it(queue, note, log):
    @queue.task
    def parent():
        with queue.transaction():
            note.enqueue("child")
            log.append("in the transaction")

    with inline(queue):
        parent.enqueue()
    assert log == ["in the transaction", "child"]


def test_a_database_that_cannot_be_used_is_told(queue):
    with queue.transaction(), pytest.raises(DatabaseError, match="open already"), inline(queue):
        pass
