"""A plug-in that breaks its word costs its own tasks at most, never the worker or an outcome."""

import asyncio
from datetime import timedelta

import pytest

from jobrunner.core import payload
from jobrunner.core.events import WorkerTrouble
from jobrunner.core.outcome import Cancelled, Completed, Crashed, Failed, Snoozed
from jobrunner.core.status import Status
from jobrunner.testing import executor_functions as f
from tests.executors.inert import soon
from tests.runtime.support import PATIENCE, outcomes


class Better(Completed):
    """A kind of outcome that nobody knows."""


@pytest.fixture
def give(queue, engine, work):
    """Have the engine say that a task ended so, and then do another one as it should."""

    def give(outcome):
        task, after = queue.enqueue_many([f.add.bind(1, 1), f.add.bind(2, 2)])
        work()
        soon(lambda: engine.orders)
        engine.end(outcome)
        soon(lambda: engine.orders)
        engine.end(Completed("4"))
        assert queue.wait([after], timeout=PATIENCE)[0].returned == 4
        return queue.get(task.id)

    return give


@pytest.mark.parametrize(
    "outcome",
    [
        "5",
        None,
        Better("5"),
        Completed({1, 2}),
        Completed(5),
        Completed("{not json"),
        Completed("NaN"),
        Completed("[" * 100_000),
        Completed("9" * 5_000),
        Completed('"\ud800"'),
        Completed('"' + "x" * payload.LIMIT + '"'),
        Failed(ValueError("no text")),
        Failed("it failed", traceback=["no", "text"]),
        Failed("it failed", retry_after=5),
        Crashed(None),
        Cancelled(17),
        Snoozed(5.0),
    ],
    ids=lambda outcome: repr(outcome)[:40],
)
def test_what_cannot_be_an_end_is_a_failure_that_is_not_retried(give, queue, outcome):
    task = give(outcome)
    assert task.status is Status.FAILED
    assert task.error.startswith("the executor gave no outcome that can be stored: ")
    assert outcomes(queue, task.id) == ["failed"]
    assert queue.history(task.id)[0].error == task.error


def test_text_that_no_database_holds_is_told_in_other_letters(give):
    task = give(Failed("a \0 and a \ud800", "its traceback: \0", retryable=False))
    assert (task.status, task.error) == (Status.FAILED, "a \\0 and a \\ud800")


@pytest.mark.parametrize(
    "outcome",
    [Snoozed(timedelta.max), Failed("later", retry_after=timedelta.max)],
    ids=lambda outcome: type(outcome).__name__,
)
def test_a_wait_beyond_the_calendar_is_cut(give, queue, outcome):
    task = give(outcome)
    assert task.status is Status.SCHEDULED
    assert timedelta(days=36_000) < task.run_at - task.created_at < timedelta(days=37_000)


def test_a_result_in_other_json_is_the_same_value(give):
    assert give(Completed(' {"a": [1, 2.5, "\\u00e9"]}\n')).returned == {"a": [1, 2.5, "é"]}


def test_what_was_given_before_poll_raised_is_settled(queue, engine, work, events):
    engine.size = 2
    engine.raises["poll"] = RuntimeError("the pool is broken")
    first, second = queue.enqueue_many([f.add.bind(1, 1), f.add.bind(2, 2)])
    work(concurrency=2)
    soon(lambda: len(engine.orders) == 2)
    engine.ended = [(order, Completed("7")) for order in engine.orders]
    engine.orders = []
    engine.wake()
    assert events.wait(WorkerTrouble).problem == "the pool is broken"
    assert [task.returned for task in queue.wait([first, second], timeout=PATIENCE)] == [7, 7]
    assert outcomes(queue, first.id) == outcomes(queue, second.id) == ["completed"]


@pytest.mark.parametrize("given", [[["no order"], Completed("1")], 5, ("alone",)], ids=repr)
def test_what_poll_gives_beside_is_told_and_the_others_are_settled(
    queue, engine, work, events, given
):
    task = queue.enqueue(f.add.bind(1, 1))
    work()
    soon(lambda: engine.orders)
    engine.ended.append(given)
    engine.end(Completed("2"))
    assert events.wait(WorkerTrouble).problem.startswith("poll must give pairs of an order and")
    assert queue.wait([task], timeout=PATIENCE)[0].returned == 2


def test_an_end_that_is_given_twice_counts_once(queue, engine, work):
    task = queue.enqueue(f.add.bind(1, 1))
    work()
    soon(lambda: engine.orders)
    engine.ended.append((engine.orders[0], Completed("1")))
    engine.end(Completed("2"))
    assert queue.wait([task], timeout=PATIENCE)[0].returned == 1
    assert outcomes(queue, task.id) == ["completed"]


@pytest.mark.parametrize(
    ("size", "said"),
    [(1.5, None), (True, None), (10**30, None), (None, "NoneType"), (float("inf"), "infinity")],
    ids=repr,
)
def test_a_capacity_is_a_whole_number_or_told(queue, engine, work, events, size, said):
    engine.capacity = lambda: size
    task = queue.enqueue(f.add.bind(1, 1))
    work(concurrency=1)
    if said is not None:
        assert said in events.wait(WorkerTrouble).problem
        del engine.capacity
    soon(lambda: engine.orders)
    engine.end(Completed("2"))
    assert queue.wait([task], timeout=PATIENCE)[0].returned == 2


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("where", ["start", "submit", "poll"])
def test_an_exception_that_ends_threads_does_not_end_the_plug_ins(
    queue, engine, work, events, where, error
):
    engine.raises[where] = error
    task = queue.enqueue(f.add.bind(1, 1))
    work()
    if where == "poll":
        soon(lambda: engine.orders)
        engine.end(Completed("2"))
    assert type(error).__name__ in events.wait(WorkerTrouble).problem
    if where != "poll":
        soon(lambda: engine.orders)
        engine.end(Completed("2"))
    assert queue.wait([task], timeout=PATIENCE)[0].returned == 2


def test_an_error_without_words_is_told_by_its_name(queue, engine, work, events):
    engine.raises["start"] = f.UnspeakableError()
    work()
    assert events.wait(WorkerTrouble).problem == "UnspeakableError"
