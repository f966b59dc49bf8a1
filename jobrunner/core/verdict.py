"""What follows from an outcome: the only judge."""

from datetime import datetime
from typing import Final, NamedTuple, assert_never

from jobrunner.core.backoff import Backoff
from jobrunner.core.fields import LONGEST
from jobrunner.core.outcome import (
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
from jobrunner.core.status import Status
from jobrunner.core.task import Lease

MAX_CRASHES: Final = 5
"""A task whose process or worker died this often fails as a poison pill."""

ALONE_AFTER: Final = 2
"""A task that has crashed this often runs alone, in a process of its own."""

CANCEL_REASON: Final = "cancelled on request"


class Verdict(NamedTuple):
    """What is written to the task's row when an attempt is settled.

    A named tuple, as `Lease` is: a fast worker makes tens of thousands a second.

    `run_at` is set where the task runs again; `error` is one line.
    """

    status: Status
    attempt: int
    crashes: int
    run_at: datetime | None = None
    error: str | None = None
    result: str | None = None


def decide(  # noqa: C901, PLR0911 — one match over a closed set, told in one place
    lease: Lease, outcome: Outcome, *, now: datetime, backoff: Backoff, cancel: bool = False
) -> Verdict:
    """Judge an attempt: done, again later, or over.

    Failures and crashes are counted apart: an attempt that ended in a crash spends none of
    `max_attempts`, so that a power cut never fails a task. With `cancel`, a person has asked
    for the task's end: what would run again is cancelled instead.
    """
    attempt, crashes = lease.attempt, lease.crashes
    match outcome:
        case Completed(result):
            return Verdict(Status.COMPLETED, attempt, crashes, result=result)
        case Cancelled(reason):
            return Verdict(Status.CANCELLED, attempt, crashes, error=reason)
        case Failed(error, retryable=False):
            return Verdict(Status.FAILED, attempt, crashes, error=error)
        case Failed(error) | TimedOut(error):
            if attempt - crashes >= lease.max_attempts:
                return Verdict(Status.FAILED, attempt, crashes, error=error)
            after = outcome.retry_after if isinstance(outcome, Failed) else None
            wait = backoff(attempt - crashes) if after is None else after
            again = Verdict(Status.SCHEDULED, attempt, crashes, run_at=now + wait, error=error)
        case Crashed(error) | Lost(error):
            crashes += 1
            if crashes >= MAX_CRASHES:
                pill = f"poison pill, crashed {crashes} times; the last time: {error}"
                return Verdict(Status.FAILED, attempt, crashes, error=pill)
            again = Verdict(Status.PENDING, attempt, crashes, run_at=now, error=error)
        case Snoozed(delay):
            again = Verdict(Status.SCHEDULED, attempt - 1, crashes, run_at=now + delay)
        case Waiting(_, _, until):
            again = Verdict(Status.SCHEDULED, attempt - 1, crashes, run_at=until or now + LONGEST)
        case Released():
            again = Verdict(Status.PENDING, attempt - 1, crashes, run_at=now)
        case _:
            assert_never(outcome)
    if cancel:
        return Verdict(Status.CANCELLED, attempt, crashes, error=CANCEL_REASON)
    return again
