"""Values of JSON lines that are not what JSON makes of them: spans, moments, rules."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from jobrunner.core import line_unique
from jobrunner.core.cache import cache_of
from jobrunner.core.errors import InvalidTaskError


def _seconds(key: str, value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTaskError(f"{key} must be a number of seconds, not {value!r}", field=key)
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise InvalidTaskError(f"{key} is too long", field=key) from error


def read_moment(key: str, value: object) -> datetime:
    """A moment that says its zone, in ISO 8601.

    Raises:
        InvalidTaskError: it is none.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        hint = "Write it as 2026-12-01T09:00:00+01:00."
        raise InvalidTaskError(f"{key} is no moment with a zone: {value!r}", hint=hint)
    return moment


READERS: Final[dict[str, Callable[[str, object], Any]]] = {
    "delay": _seconds,
    "timeout": _seconds,
    "expires_in": _seconds,
    "run_at": read_moment,
    "expires_at": read_moment,
    "unique": lambda _key, value: line_unique.from_line(value, _seconds),
    "cache": lambda _key, value: cache_of(value),
}
"""How values are read that are not what JSON makes of them."""
