"""Time zones by their IANA names."""

from datetime import UTC, tzinfo
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from jobrunner.core.fields import shown
from jobrunner.core.schedule_errors import InvalidScheduleError

LONGEST_NAME: Final = 100


def find_zone(name: object) -> tzinfo:
    """Find a time zone, such as `Europe/Paris`.

    Raises:
        InvalidScheduleError: there is none of that name.
    """
    if name == "UTC":
        return UTC
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise InvalidScheduleError(f"a time zone has a name, not {shown(name)}", hint=_EXAMPLE)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        raise InvalidScheduleError(
            f"there is no time zone {shown(name)}", hint=_next_step(name)
        ) from None


_EXAMPLE: Final = "Write it as Europe/Paris, or UTC."


def _next_step(name: str) -> str:
    """Names that are close, by the whole of them or by the city."""
    known = sorted(available_timezones())
    if not known:
        return "This machine knows no time zones at all: pip install tzdata."
    by_word = {zone.lower(): zone for zone in known}
    by_word |= {zone.lower().rpartition("/")[2]: zone for zone in known if "/" in zone}
    word = name.strip().lower().replace(" ", "_")
    if word in by_word:
        return f"Did you mean {by_word[word]}?"
    close = [by_word[found] for found in get_close_matches(word, by_word, n=3, cutoff=0.75)]
    return f"Did you mean {' or '.join(dict.fromkeys(close))}?" if close else _EXAMPLE
