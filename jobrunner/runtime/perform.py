"""Call a function and tell its outcome, whatever it does."""

import asyncio
import contextlib
import traceback
from datetime import timedelta
from typing import Any, Final

from jobrunner.core import payload
from jobrunner.core.control_errors import EventTimeoutError
from jobrunner.core.errors import LeaseLostError, PayloadError
from jobrunner.core.fields import LONGEST
from jobrunner.core.outcome import (
    NAMES,
    Cancelled,
    Completed,
    Failed,
    Outcome,
    Released,
    Snoozed,
    TimedOut,
    Waiting,
)
from jobrunner.core.signals import Cancel, Retry, Snooze, Stopped, StopReason, Waits
from jobrunner.core.verdict import CANCEL_REASON
from jobrunner.runtime import around
from jobrunner.runtime.around import AttemptInfo
from jobrunner.runtime.awaited import give_up
from jobrunner.runtime.registry import Function
from jobrunner.runtime.running import Running, enter
from jobrunner.storage import telemetry

KEEP: Final = 10_000
"""Characters kept of the beginning, and again of the end, of a traceback."""


def perform(function: Function, args: str | None, kwargs: str | None, running: Running) -> Outcome:
    """Run a function in this thread. `args` and `kwargs` are JSON text."""
    if not telemetry.is_used():
        return _perform(function, args, kwargs, running)
    with telemetry.running(running.link.lease, function.name) as span:
        outcome = _perform(function, args, kwargs, running)
        telemetry.note(span, outcome)
        return outcome


def _perform(function: Function, args: str | None, kwargs: str | None, running: Running) -> Outcome:
    enter(running)
    try:
        if function.is_async:
            with asyncio.Runner() as runner:
                running.loop = runner.get_loop()
                value = runner.run(_call(function, args, kwargs, running))
        else:
            value = _call(function, args, kwargs, running)
        outcome = _completed(value, running)
    except BaseException as error:  # noqa: BLE001 — every end of user code is an outcome
        outcome = _after(error, function, running)
    return outcome if running.info is None else _told(outcome, function, running)


async def perform_async(
    function: Function, args: str | None, kwargs: str | None, running: Running
) -> Outcome:
    """Run a coroutine function on the current loop."""
    if not telemetry.is_used():
        return await _perform_async(function, args, kwargs, running)
    with telemetry.running(running.link.lease, function.name) as span:
        outcome = await _perform_async(function, args, kwargs, running)
        telemetry.note(span, outcome)
        return outcome


async def _perform_async(
    function: Function, args: str | None, kwargs: str | None, running: Running
) -> Outcome:
    enter(running)
    try:
        outcome = _completed(await _call(function, args, kwargs, running), running)
    except BaseException as error:  # noqa: BLE001 — every end of user code is an outcome
        outcome = _after(error, function, running)
    return outcome if running.info is None else _told(outcome, function, running)


def _call(function: Function, args: str | None, kwargs: str | None, running: Running) -> Any:
    positional: Any = payload.decode(args) or ()
    named: Any = payload.decode(kwargs) or {}
    if function.around.hears_attempts:
        link = running.link
        info = AttemptInfo(link.task_id, function.name, link.attempt, positional, named)
        running.info = info
        around.begin(function.around, info)
    return function.call(*positional, **named)


def _told(outcome: Outcome, function: Function, running: Running) -> Outcome:
    """Tell the hooks how it ended, which changes nothing."""
    if running.info is not None:
        error = getattr(outcome, "error", None) or getattr(outcome, "reason", None)
        name = NAMES[type(outcome)]
        around.end(function.around, running.info, name, error, told=running.troubles)
    return outcome


def _completed(value: Any, running: Running) -> Outcome:
    if running.ended is not None:
        return running.ended
    outcome = Completed(None if value is None else payload.encode(value, what="result"))
    # What is done is done, whether or not its last progress report can be stored; if the lease
    # is lost, the settling transaction refuses the outcome.
    if running.unsaved:
        with contextlib.suppress(Exception):
            running.flush()
    return outcome


def _after(error: BaseException, function: Function, running: Running) -> Outcome:
    if running.ended is not None:  # and stored: what came up after it changes nothing
        return running.ended
    try:
        running.flush()
        if running.steps is not None and isinstance(error, EventTimeoutError):
            give_up(running.steps, error.event)
    except LeaseLostError as lost:
        error = lost
    except Exception as trouble:  # noqa: BLE001 — a lost progress report must not hide the outcome
        error.add_note(f"its last progress was not stored: {trouble}")
    return outcome_of(error, function, stop=running.link.stop_reason())


def outcome_of(  # noqa: PLR0911 — one match, a line for each end
    error: BaseException, function: Function, *, stop: StopReason | None
) -> Outcome:
    """The outcome that an exception stands for. `stop` is why the attempt was asked to end."""
    match error:
        case Snooze():
            return Snoozed(span(error.delay))
        case Waits():
            return Waiting(error.event, error.since, error.until)
        case Cancel():
            return Cancelled(_first_line(error))
        case Retry():
            return Failed(one_line(error), retry_after=span(error.after))
        case Stopped():
            return stopped(stop or error.reason)
        case asyncio.CancelledError() | KeyboardInterrupt() if stop:
            return stopped(stop)
        case PayloadError(field="result") | EventTimeoutError():
            return Failed(one_line(error), retryable=False)
        case _:
            retryable = not isinstance(error, function.no_retry_on)
            return Failed(one_line(error), _traceback(error), retryable=retryable)


def stopped(reason: StopReason, *, timeout: float | None = None) -> Outcome:
    """The outcome of an attempt that was made to end. `timeout` is in seconds."""
    match reason:
        case StopReason.TIMEOUT:
            return TimedOut(f"ran longer than {timeout:g} s" if timeout else "ran too long")
        case StopReason.CANCEL:
            return Cancelled(CANCEL_REASON)
        case StopReason.SHUTDOWN | StopReason.NOW | StopReason.LOST:
            return Released()


def one_line(error: BaseException) -> str:
    """An exception as one line for people and tables."""
    name, first = type(error).__name__, _first_line(error)
    return f"{name}: {first}" if first else name


def storable(text: str) -> str:
    """Text that both databases hold: no NUL, no lone surrogate."""
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()


def span(asked: timedelta) -> timedelta:
    """A wait that ends within the calendar."""
    return min(max(asked, timedelta()), LONGEST)


def _first_line(error: BaseException) -> str:
    try:
        text = str(error).strip()
    except Exception:  # noqa: BLE001 — user code again; the error's type must do
        text = ""
    return storable(text.splitlines()[0])[:500] if text else ""


_BETWEEN: Final = {
    __name__,
    around.__name__,
    "asyncio.runners",
    "asyncio.base_events",
    "jobrunner.futures.functions",
}
"""The modules between an executor and the user's code."""


def _traceback(error: BaseException) -> str:
    """The traceback from the user's own code on; both ends kept of a very long one."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_globals.get("__name__") in _BETWEEN:
        frames = frames.tb_next
    text = storable("".join(traceback.format_exception(type(error), error, frames)))
    return text if len(text) <= 2 * KEEP else f"{text[:KEEP]}\n…\n{text[-KEEP:]}"
