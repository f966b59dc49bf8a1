"""What the clock on the wall shows, and the moments at which it shows that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_SECOND: Final = timedelta(seconds=1)


def shown_at(moment: datetime, zone: tzinfo) -> datetime:
    """What the clock shows at a moment, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def moments(shown: datetime, zone: tzinfo) -> Iterator[datetime]:
    """When it shows this: once, twice where it is set back, never where it is set forward."""
    for fold in (0, 1):
        moment = shown.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if shown_at(moment, zone) == shown:
            yield moment


def first_moment(shown: datetime, zone: tzinfo) -> datetime:
    """When it shows this first; where it skips it, the moment at which it is set forward."""
    return next(moments(shown, zone), None) or _end_of_gap(shown, zone)


def _end_of_gap(shown: datetime, zone: tzinfo) -> datetime:
    # In a gap, `fold` tells by which of the two offsets to count: the new one leads to a moment
    # before the change, the old one to a moment after it.
    before, after = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def set_back_soon(moment: datetime, zone: tzinfo) -> timedelta:
    """By how much the clock will be set back, at a moment that it will show once more then."""
    first = moment.astimezone(zone)
    again = first.replace(fold=1)
    by = (first.utcoffset() or timedelta()) - (again.utcoffset() or timedelta())
    return max(by, timedelta())
