"""What the standard library promises of an Executor holds of threads and of tasks alike."""

import threading
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Executor,
    Future,
    as_completed,
    wait,
)

import pytest

from tests.futures import functions as f
from tests.futures.functions import gates
from tests.runtime.support import PATIENCE

SHORT = 0.05
"""Seconds after which a wait that must time out does."""


def busy(pool, *names, workers=1):
    """An executor whose workers all wait at gates; and their futures."""
    executor = pool(workers)
    futures = [executor.submit(f.wait_for, name) for name in names]
    for name in names[:workers]:
        assert gates[f"{name} runs"].wait(PATIENCE)
    return executor, futures


def test_a_call_has_a_future_with_what_it_returns(pool):
    with pool(2) as executor:
        future = executor.submit(f.echo, [1, {"a": None}], note="noted")
        assert isinstance(executor, Executor)
        assert isinstance(future, Future)
        assert future.result(PATIENCE) == "[1, {'a': None}] noted"
        assert future.exception(PATIENCE) is None
    assert (future.done(), future.running(), future.cancelled()) == (True, False, False)


def test_a_call_that_runs_is_running_and_not_done(pool):
    executor, (first, second) = busy(pool, "a", "b")
    assert (first.running(), first.done()) == (True, False)
    assert (second.running(), second.done()) == (False, False)
    gates["a"].set()
    assert first.result(PATIENCE) is None
    assert gates["b runs"].wait(PATIENCE)
    assert second.running()
    gates["b"].set()
    executor.shutdown()


def test_as_many_run_at_a_time_as_there_are_workers(pool):
    busy(pool, "a", "b", "c", workers=2)
    assert sorted(f.ran) == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "text", "caught"),
    [("ValueError", "bad", ValueError), ("KeyError", "k", KeyError), ("OwnError", "x", f.OwnError)],
)
def test_what_a_function_raises_comes_out_of_its_future(pool, kind, text, caught):
    with pool(1) as executor:
        future = executor.submit(f.complain, kind, text)
        with pytest.raises(caught) as told:
            future.result(PATIENCE)
    assert type(told.value) is caught
    assert told.value.args == (text,)
    assert future.exception() is told.value
    assert told.traceback[-1].name == "complain"
    assert not future.cancelled()


def test_a_call_that_does_not_fit_fails_when_it_runs(pool):
    with pool(1) as executor:
        future = executor.submit(f.add, 1)
        assert "right" in str(future.exception(PATIENCE))
        assert isinstance(future.exception(), TypeError)


def test_a_function_that_exits_ends_only_its_call(pool):
    with pool(1) as executor:
        assert isinstance(executor.submit(f.leave).exception(PATIENCE), SystemExit)
        assert executor.submit(f.echo, 1).result(PATIENCE) == 1


def test_a_result_is_waited_for_no_longer_than_told(pool):
    _, (future,) = busy(pool, "a")
    for ask in (future.result, future.exception):
        with pytest.raises(TimeoutError):
            ask(timeout=SHORT)
    gates["a"].set()
    assert future.result(PATIENCE) is None


class TestAsCompleted:
    def test_it_gives_futures_as_they_end(self, pool):
        executor, futures = busy(pool, "a", "b", "c", workers=3)
        order = iter("cab")
        gates[next(order)].set()
        seen = []
        for future in as_completed(futures, timeout=PATIENCE):
            seen.append("abc"[futures.index(future)])
            gates[next(order, "none")].set()
        assert seen == ["c", "a", "b"]
        executor.shutdown()

    def test_it_times_out_with_what_is_left(self, pool):
        executor, (blocked,) = busy(pool, "a", workers=2)
        done = executor.submit(f.echo, 1)
        done.result(PATIENCE)
        ended = as_completed([done, blocked], timeout=SHORT)
        assert next(ended) is done
        with pytest.raises(TimeoutError, match="1 \\(of 2\\) futures unfinished"):
            next(ended)

    def test_it_gives_what_was_cancelled(self, pool):
        _, (running, waiting) = busy(pool, "a", "b")
        assert waiting.cancel()
        gates["a"].set()  # a thread tells of a cancel as it comes to it
        assert {*as_completed([running, waiting], timeout=PATIENCE)} == {running, waiting}


class TestWait:
    def test_for_all(self, pool):
        _, futures = busy(pool, "a", "b", workers=2)
        for name in "ab":
            gates[name].set()
        done, left = wait(futures, PATIENCE, ALL_COMPLETED)
        assert (done, left) == (set(futures), set())

    def test_for_the_first(self, pool):
        _, futures = busy(pool, "a", "b", workers=2)
        gates["b"].set()
        done, left = wait(futures, PATIENCE, FIRST_COMPLETED)
        assert (done, left) == ({futures[1]}, {futures[0]})

    def test_for_the_first_that_fails(self, pool):
        executor, (blocked,) = busy(pool, "a", workers=2)
        good, bad = executor.submit(f.echo), executor.submit(f.fail_at, "bad")
        good.result(PATIENCE)
        gates["bad"].set()
        done, left = wait([blocked, good, bad], PATIENCE, FIRST_EXCEPTION)
        assert (done, left) == ({good, bad}, {blocked})

    def test_no_longer_than_told(self, pool):
        _, futures = busy(pool, "a", "b")
        assert wait(futures, SHORT) == (set(), set(futures))


class TestCancel:
    def test_what_waits_is_cancelled_and_never_runs(self, pool):
        executor, (running, waiting) = busy(pool, "a", "b")
        assert waiting.cancel()
        assert waiting.cancel()
        assert (waiting.cancelled(), waiting.done(), waiting.running()) == (True, True, False)
        for ask in (waiting.result, waiting.exception):
            with pytest.raises(CancelledError):
                ask(timeout=PATIENCE)
        gates["a"].set()
        executor.shutdown()
        assert running.result() is None
        assert f.ran == ["a"]

    def test_what_waits_behind_many_quick_calls_is_cancelled(self, pool):
        executor = pool(1)
        assert list(executor.map(f.echo, range(50))) == list(range(50))
        blocked, waiting = (executor.submit(f.wait_for, name) for name in "ab")
        assert gates["a runs"].wait(PATIENCE)
        assert waiting.cancel()
        gates["a"].set()
        blocked.result(PATIENCE)

    def test_what_runs_or_is_done_is_not(self, pool):
        _, (future,) = busy(pool, "a")
        assert not future.cancel()
        gates["a"].set()
        assert future.result(PATIENCE) is None
        assert not future.cancel()
        assert not future.cancelled()

    def test_those_in_a_wait_are_told(self, pool):
        _, (_, waiting) = busy(pool, "a", "b")
        ended = threading.Thread(target=wait, args=([waiting],))
        ended.start()
        waiting.cancel()
        gates["a"].set()  # a thread tells of a cancel as it comes to it
        ended.join(PATIENCE)
        assert not ended.is_alive()


class TestCallbacks:
    def test_each_is_called_once_in_order_with_the_future(self, pool):
        executor, (future,) = busy(pool, "a")
        told, all_told = [], threading.Event()
        future.add_done_callback(lambda one: told.append((1, one, one.done())))
        future.add_done_callback(lambda one: told.append((2, one, one.done())))
        future.add_done_callback(lambda _: all_told.set())
        gates["a"].set()
        assert all_told.wait(PATIENCE)
        assert told == [(1, future, True), (2, future, True)]
        executor.shutdown()

    def test_one_that_comes_late_is_called_at_once(self, pool):
        with pool(1) as executor:
            future = executor.submit(f.echo)
            future.result(PATIENCE)
            told = []
            future.add_done_callback(told.append)
            assert told == [future]

    def test_one_that_raises_harms_nobody(self, pool):
        executor, (future,) = busy(pool, "a")
        told = threading.Event()
        future.add_done_callback(lambda _: 1 / 0)
        future.add_done_callback(lambda _: told.set())
        gates["a"].set()
        assert told.wait(PATIENCE)
        assert executor.submit(f.echo, 1).result(PATIENCE) == 1

    def test_one_is_told_of_a_cancel(self, pool):
        _, (_, waiting) = busy(pool, "a", "b")
        told = []
        waiting.add_done_callback(lambda one: told.append(one.cancelled()))
        waiting.cancel()
        assert told == [True]

    def test_one_may_submit_more(self, pool):
        with pool(1) as executor:
            more: list[Future] = []
            submitted = threading.Event()

            def submit(_future):
                more.append(executor.submit(f.echo, "more"))
                submitted.set()

            executor.submit(f.echo).add_done_callback(submit)
            assert submitted.wait(PATIENCE)
            assert more[0].result(PATIENCE) == "more"
