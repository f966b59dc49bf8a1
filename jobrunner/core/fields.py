"""What the fields of a task may hold, checked whatever the caller passed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from jobrunner.core.errors import InvalidTaskError

LONGEST: Final = timedelta(days=36_500)
SHOWN: Final = 100
"""Characters of a wrong value that an error tells."""


def invalid(name: str, problem: str) -> InvalidTaskError:
    """The error that names a field; `problem` completes the sentence "`name` …"."""
    return InvalidTaskError(f"{name} {problem}", field=name)


def shown(value: object) -> str:
    """A value as an error tells it: short, whatever it is, and even if it cannot be told."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 — nested too deeply, of too many digits, or somebody's own
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def check_integer(name: str, value: object, allowed: range) -> None:
    """Accept a whole number in a range; `True` is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(name, f"must be an integer, not {shown(value)}")
    if value not in allowed:
        bounds = f"from {allowed.start} to {allowed.stop - 1}"
        raise invalid(name, f"must be {bounds}, not {shown(value)}")


def check_flag(name: str, value: object) -> None:
    """Accept yes or no."""
    if not isinstance(value, bool):
        raise invalid(name, f"must be true or false, not {shown(value)}")


def check_span(name: str, value: object, *, shortest: timedelta) -> None:
    """Accept a length of time of at most 100 years."""
    if not isinstance(value, timedelta):
        raise invalid(name, f"must be a timedelta, not {shown(value)}")
    if not shortest <= value <= LONGEST:
        least = f"{shortest.total_seconds():f}".rstrip("0").rstrip(".")
        raise invalid(name, f"must be from {least} s to 100 years, not {value.total_seconds():g} s")


def as_span(name: str, value: timedelta | float | None) -> timedelta | None:
    """A length of time as users give it, a timedelta or seconds; how long it may be is not asked.

    Raises:
        InvalidTaskError: it is neither, or too much for a timedelta.
    """
    if value is None or isinstance(value, timedelta):
        return value
    try:
        return timedelta(seconds=value)
    except (TypeError, ValueError, OverflowError):
        raise invalid(name, f"must be a timedelta or seconds, not {shown(value)}") from None


def check_moment(name: str, value: object) -> None:
    """Accept a moment that says its time zone and has a name in UTC."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise invalid(name, f"must be a datetime with a time zone, not {shown(value)}")
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise invalid(name, "is no moment of the years 1 to 9999 in UTC") from None


def is_list(value: object) -> bool:
    """Whether it can be read again and again in order; text is no list."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def has_names(value: Iterable[object]) -> bool:
    """Whether it is a mapping with text for keys, as JSON and keyword arguments need it."""
    return isinstance(value, Mapping) and all(isinstance(name, str) for name in value)
