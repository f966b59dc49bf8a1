"""How one attempt ended: a closed set."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from jobrunner.core.task import Lease


@dataclass(frozen=True, slots=True)
class Completed:
    """It returned; `result` is JSON text, or `None` for no result."""

    result: str | None = None


@dataclass(frozen=True, slots=True)
class Stored(Completed):
    """It completed, and has stored that itself, in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Kept(Completed):
    """It completed, and an equal task may end with its result: see `core.cache`.

    `outputs` are the files it made with what identifies their content, JSON text.
    """

    key: str = ""
    outputs: str | None = None


@dataclass(frozen=True, slots=True)
class Cached(Completed):
    """It was not run: an equal task has completed before, with this result."""

    key: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """It raised, or its command exited with another code than 0."""

    error: str
    traceback: str | None = None
    retryable: bool = True
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """It overran its timeout and was stopped, or left behind."""

    error: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process that ran it died: by a signal, an exit, or out of memory."""

    error: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker that ran it died or fell silent."""

    error: str


@dataclass(frozen=True, slots=True)
class Snoozed:
    """It asked to be run again later, without spending the attempt."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Waiting:
    """It waits for an event and runs again, from its beginning, when that is sent, or at `until`.

    The attempt is not spent. `since` is when the task first asked for the event.
    """

    event: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It cancelled itself, or was stopped because a person cancelled it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """It was given back unfinished, or never started, without spending the attempt."""


Outcome = Completed | Failed | TimedOut | Crashed | Lost | Snoozed | Cancelled | Released | Waiting
"""Those that have completed in a way of their own are `Completed` too."""

NAMES: Final[dict[type[Outcome], str]] = {
    Completed: "completed",
    Failed: "failed",
    TimedOut: "timed_out",
    Crashed: "crashed",
    Lost: "lost",
    Snoozed: "snoozed",
    Cancelled: "cancelled",
    Released: "released",
    Waiting: "waiting",
    Cached: "cached",
    Stored: "completed",
    Kept: "completed",
}
"""The word for each outcome in tables, JSON and log lines."""

WORDS: Final = tuple(dict.fromkeys(NAMES.values()))
"""All words there are."""


def label(word: str) -> str:
    """An outcome as people read it."""
    return "from cache" if word == NAMES[Cached] else word.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Output:
    """What an attempt left behind. `exit_code` is a command's, negative for a signal.

    `is_live`: some of it was stored while it ran, and is to be deleted with its end.
    """

    exit_code: int | None
    stdout: str = ""
    stderr: str = ""
    is_live: bool = False


class Usage(NamedTuple):
    """What an attempt took of its machine, as far as that is known.

    `cpu_s` are seconds of CPU; `peak_memory` are bytes, of the process that had the most.
    """

    cpu_s: float | None = None
    peak_memory: int | None = None


class Ended(NamedTuple):
    """An attempt that is over and waits to be settled. A named tuple, as its lease is.

    Moments are in microseconds since the epoch, as they are stored. `started_at` is `None` for
    one that was claimed ahead and never started: it leaves no trace in the history.
    """

    lease: Lease
    outcome: Outcome
    started_at: int | None
    ended_at: int
    output: Output | None = None
    usage: Usage | None = None
