"""Check what a plug-in says an order ended as, before it is stored."""

from dataclasses import replace
from typing import cast

from jobrunner.core import payload
from jobrunner.core.outcome import (
    NAMES,
    Cancelled,
    Completed,
    Crashed,
    Failed,
    Lost,
    Outcome,
    Released,
    Snoozed,
    TimedOut,
    Waiting,
)
from jobrunner.core.sent import check_name
from jobrunner.runtime.perform import one_line, span, storable


def checked(said: object) -> Outcome:
    """The outcome as both databases can store it, whatever the plug-in has said.

    What is none is a failure, and not retried: the function may have done its work.
    """
    try:
        return _storable(_outcome(said))
    except Exception as error:  # noqa: BLE001 — anything may be inside it
        problem = f"the executor gave no outcome that can be stored: {one_line(error)}"
        return Failed(problem, retryable=False)


def _outcome(said: object) -> Outcome:
    if type(said) not in NAMES:  # a subclass has no name in the tables
        raise TypeError(f"{type(said).__name__} is none")
    return cast("Outcome", said)


def _storable(said: Outcome) -> Outcome:  # noqa: PLR0911 — one match, a line for each kind
    match said:
        case Completed(None) | Released():
            return said
        case Completed(result):
            return replace(said, result=payload.encode(payload.decode(result), what="result"))
        case Waiting(event):
            return replace(said, event=check_name(event))
        case Cancelled(reason):
            return Cancelled(storable(reason))
        case Snoozed(delay):
            return Snoozed(span(delay))
        case TimedOut(error) | Crashed(error) | Lost(error):
            return replace(said, error=storable(error))
        case Failed(error, traceback, _, after):
            return replace(
                said,
                error=storable(error),
                traceback=None if traceback is None else storable(traceback),
                retry_after=None if after is None else span(after),
            )
