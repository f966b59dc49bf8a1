"""The span of time that somebody looks at, and how long it may be."""

from datetime import datetime, timedelta
from typing import Final

from jobrunner.core import fields
from jobrunner.web.limits import LONGEST_RANGE

DEFAULT_SPAN: Final = timedelta(hours=1)


def span_of_time(
    since: datetime | None, until: datetime | None, span: timedelta = DEFAULT_SPAN, *, now: datetime
) -> tuple[datetime, datetime]:
    """From `since` to `until`; without the one, `span` before the end; without the other, now.

    Raises:
        InvalidTaskError: nothing lies between the two, or more than may be looked at.
    """
    end = until or now
    try:
        begin = since or end - span
    except OverflowError:
        raise fields.invalid("until", "is too long ago") from None
    if begin >= end:
        raise fields.invalid("since", "must be before until")
    if end - begin > LONGEST_RANGE:
        raise fields.invalid("since", f"lies more than {LONGEST_RANGE.days} days before until")
    return begin, end
