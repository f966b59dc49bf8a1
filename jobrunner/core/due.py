"""What a schedule that is due does now: which ticks it fires, and when it is due again."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from jobrunner.core.cron import Rule
from jobrunner.core.policy import Missed

GRACE: Final = timedelta(seconds=60)
"""A tick that is fired so late was not missed."""

_MOMENT: Final = timedelta(microseconds=1)


class Due(NamedTuple):
    """The ticks to be written down, oldest first, whether they get tasks, and the next moment."""

    ticks: list[datetime]
    is_missed: bool
    next_at: datetime | None


def due(rule: Rule, *, next_at: datetime, now: datetime, missed: Missed, cap: int) -> Due:
    """Decide for a schedule whose tick `next_at` has come."""
    again = rule.next_after(next_at)
    ticks = [next_at]
    if again is not None and again <= now:  # more than one has come
        ticks = newest(rule, next_at, now, count=cap if missed is Missed.ALL else 1)
        again = rule.next_after(now)
    return Due(ticks, missed is Missed.SKIP and now - ticks[-1] > GRACE, again)


def newest(rule: Rule, first: datetime, until: datetime, *, count: int) -> list[datetime]:
    """The last `count` ticks from `first` to `until`, both included.

    Looked for from the end, in windows that grow: of a year without anybody only its last days
    are gone through.
    """
    window = timedelta(minutes=count)
    while True:
        start = until - min(window, until - first + _MOMENT)
        found = between(rule, start, until)
        if len(found) >= count or start < first:
            return found[-count:]
        window *= 4


def between(rule: Rule, behind: datetime, until: datetime) -> list[datetime]:
    """All ticks behind one moment and up to another."""
    found: list[datetime] = []
    at = rule.next_after(behind)
    while at is not None and at <= until:
        found.append(at)
        at = rule.next_after(at)
    return found
