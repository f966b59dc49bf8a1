"""Whatever a function does, it is an outcome that the database can hold."""

import asyncio
import contextvars
from datetime import timedelta

import pytest

from jobrunner import Cancel, LeaseLostError, Retry, Snooze
from jobrunner.core.errors import DatabaseError
from jobrunner.core.outcome import Cancelled, Completed, Failed, Released, Snoozed, TimedOut
from jobrunner.core.signals import Stopped, StopReason
from jobrunner.runtime.context import context
from jobrunner.runtime.perform import KEEP, perform, perform_async
from jobrunner.runtime.registry import Function
from jobrunner.runtime.running import Running
from tests.runtime.support import FakeClock


class Link:
    """Keeps what is saved; fails where it is told to."""

    task_id, attempt = 1, 1

    def __init__(self, stop=None, trouble=None):
        self.saved = []
        self._stop, self._trouble = stop, trouble

    def save(self, values):
        if self._trouble:
            raise self._trouble
        self.saved.append(values)

    def later(self, values):
        pass

    def load(self):
        return None

    def stop_reason(self):
        return self._stop


@pytest.fixture(params=["def", "async def", "on a loop"])
def outcome_of(request):
    """Run a body as a function, a coroutine in a thread, or a coroutine on a loop."""

    def run(body, **options):
        return contextvars.copy_context().run(call_in, body, **options)

    def call_in(body, *, link=None, no_retry_on=()):
        running = Running(link or Link(), FakeClock())
        if request.param == "def":
            return perform(Function("f", body, no_retry_on), "[]", "{}", running)

        async def call():
            return body()

        function = Function("f", call, no_retry_on)
        if request.param == "async def":
            return perform(function, None, None, running)
        return asyncio.run(perform_async(function, None, None, running))

    return run


def raising(error):
    def body():
        raise error

    return body


def test_a_value_is_its_result_as_json(outcome_of):
    assert outcome_of(lambda: {"a": [1, None]}) == Completed('{"a":[1,null]}')


def test_nothing_returned_is_no_result(outcome_of):
    assert outcome_of(lambda: None) == Completed(None)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Snooze(5), Snoozed(timedelta(seconds=5))),
        (Snooze(timedelta(minutes=1)), Snoozed(timedelta(minutes=1))),
        (Snooze(-5), Snoozed(timedelta())),
        (Snooze(timedelta.max), Snoozed(timedelta(days=36_500))),
        (Retry("busy", after=7), Failed("Retry: busy", retry_after=timedelta(seconds=7))),
        (Retry(), Failed("Retry: asked for a retry", retry_after=timedelta())),
        (Cancel("no use"), Cancelled("no use")),
        (Cancel("a\0b\udc80\nsecond line"), Cancelled("a\\0b\\udc80")),
        (Cancel(""), Cancelled("")),
    ],
)
def test_a_request_is_its_outcome(outcome_of, error, outcome):
    assert outcome_of(raising(error)) == outcome


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("boom"), "ValueError: boom"),
        (ValueError(), "ValueError"),
        (ValueError("\n first\n second"), "ValueError: first"),
        (ValueError("NUL \0 and surrogate \udcff"), "ValueError: NUL \\0 and surrogate \\udcff"),
        (ValueError("x" * 10_000), "ValueError: " + "x" * 500),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit("odd"), "GeneratorExit: odd"),
        (BaseException("base"), "BaseException: base"),
        (MemoryError(), "MemoryError"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
)
def test_any_other_exception_is_a_failure_in_one_line(outcome_of, error, line):
    try:
        outcome = outcome_of(raising(error))
    except (KeyboardInterrupt, SystemExit):
        pytest.fail("it reached the worker")
    assert isinstance(outcome, Failed)
    assert outcome.error == line
    assert outcome.retryable
    (outcome.error + outcome.traceback).encode()
    assert "\0" not in outcome.traceback


def test_an_exception_named_in_no_retry_on_ends_the_task(outcome_of):
    outcome = outcome_of(raising(KeyError("gone")), no_retry_on=(LookupError,))
    assert not outcome.retryable


@pytest.mark.parametrize("value", [{1}, float("nan"), "\ud800", object(), "x" * 2_000_000])
def test_a_result_that_cannot_be_stored_fails_without_a_retry(outcome_of, value):
    outcome = outcome_of(lambda: value)
    assert not outcome.retryable
    assert outcome.error.startswith("PayloadError: result ")


def test_a_checkpoint_that_cannot_be_stored_is_an_error_like_others(outcome_of):
    outcome = outcome_of(lambda: context.checkpoint({1}))
    assert outcome.retryable
    assert "checkpoint is not JSON" in outcome.error


def test_the_traceback_begins_in_the_users_code_and_keeps_both_ends(outcome_of):
    def body():
        raise ValueError("y" * 100_000)

    outcome = outcome_of(body)
    assert __file__ in outcome.traceback.splitlines()[1]
    assert "runtime/perform.py" not in outcome.traceback
    assert len(outcome.traceback) < 2 * KEEP + 10
    assert outcome.traceback.rstrip().endswith("yyy")


def test_deep_recursion_is_a_failure(outcome_of):
    def body():
        return body()

    assert outcome_of(body).error.startswith("RecursionError")


@pytest.mark.parametrize("error", [Stopped(), asyncio.CancelledError(), KeyboardInterrupt()])
@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (StopReason.TIMEOUT, TimedOut("ran too long")),
        (StopReason.CANCEL, Cancelled("cancelled on request")),
        (StopReason.SHUTDOWN, Released()),
        (StopReason.NOW, Released()),
        (StopReason.LOST, Released()),
    ],
)
def test_the_end_of_what_was_asked_to_end_is_its_reasons(outcome_of, error, reason, outcome):
    assert outcome_of(raising(error), link=Link(stop=reason)) == outcome


def test_an_own_failure_during_a_stop_stays_a_failure(outcome_of):
    outcome = outcome_of(raising(ValueError("own")), link=Link(stop=StopReason.SHUTDOWN))
    assert outcome.error == "ValueError: own"


def test_a_lost_lease_is_told_by_name(outcome_of):
    outcome = outcome_of(lambda: context.checkpoint(1), link=Link(trouble=LeaseLostError(1)))
    assert outcome.error == "LeaseLostError: the lease on task 1 is lost"


def test_the_last_progress_is_stored_at_the_end(outcome_of):
    link = Link()

    def body():
        for done in range(5):
            context.progress(done, total=4)

    outcome_of(body, link=link)
    assert [values["done"] for values in link.saved] == [0, 4]


def test_the_last_progress_is_stored_at_a_failure_too(outcome_of):
    link = Link()

    def body():
        context.progress(1)
        context.progress(2)
        raise ValueError

    outcome_of(body, link=link)
    assert [values["done"] for values in link.saved] == [1, 2]


class BreaksAfter(Link):
    """A database that goes away after the first report."""

    def save(self, values):
        super().save(values)
        self._trouble = DatabaseError("the disk is full")


def test_what_is_done_is_done_though_its_last_progress_cannot_be_stored(outcome_of):
    def body():
        context.progress(1)
        context.progress(2)
        return "done"

    assert outcome_of(body, link=BreaksAfter()) == Completed('"done"')


def test_a_failure_is_told_though_its_last_progress_cannot_be_stored(outcome_of):
    def body():
        context.progress(1)
        context.progress(2)
        raise ValueError("mine")

    outcome = outcome_of(body, link=BreaksAfter())
    assert outcome.error == "ValueError: mine"
    assert "its last progress was not stored: the disk is full" in outcome.traceback
