"""Lengths of time and moments as people write and read them."""

import re
from datetime import datetime, timedelta
from typing import Final

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.fields import LONGEST

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PLAIN: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)


def parse_span(text: str) -> timedelta:
    """Read `90`, `90s`, `1h30m`, `500ms`, `2d`.

    Raises:
        ConfigurationError: it is none of them, or longer than 100 years.
    """
    hint = "Write seconds, or 90s, 5m, 1h30m, 2d."
    parts = _PART.findall(text)
    if _PLAIN.fullmatch(text):
        seconds = float(text)
    elif parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        raise ConfigurationError(f"{text!r} is no length of time", hint=hint)
    if seconds > LONGEST.total_seconds():
        raise ConfigurationError(f"{text!r} is longer than 100 years", hint=hint)
    return timedelta(seconds=seconds)


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 moment; without a zone it is of this machine's.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"{text!r} is no moment", hint="Write it as 2026-12-01T09:00 or with +01:00 behind."
        ) from error


def parse_expiry(text: str) -> dict[str, datetime | timedelta]:
    """Read `2h` or a moment, as the field of a task that it is.

    Raises:
        ConfigurationError: it is neither.
    """
    try:
        return {"expires_in": parse_span(text)}
    except ConfigurationError:
        try:
            return {"expires_at": parse_moment(text)}
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{text!r} is neither a length of time nor a moment",
                hint="Write 2h, 1h30m, or 2026-12-01T09:00.",
            ) from error


def span_text(seconds: float | None) -> str:
    """Seconds for people: `0.004 s`, `12.3 s`, `3m 20s`, `2h`."""
    if seconds is None:
        return "-"
    if seconds < 9.9995:  # noqa: PLR2004 — ten, once rounded: three digits still say something
        return f"{seconds:.3f} s"
    if seconds < 59.95:  # noqa: PLR2004 — a minute, once rounded
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    while not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{number}{unit}" for number, unit in parts[:2] if number)
