"""Lengths of time as people write them."""

import re
from datetime import timedelta
from typing import Final

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.fields import LONGEST, shown

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
        raise ConfigurationError(f"{shown(text)} is no length of time", hint=hint)
    if seconds > LONGEST.total_seconds():
        raise ConfigurationError(f"{shown(text)} is longer than 100 years", hint=hint)
    return timedelta(seconds=seconds)


def span_word(span: timedelta) -> str:
    """A length of time as one word that `parse_span` reads: `5m`, `1h30m`, `1.5s`."""
    seconds = span.total_seconds()
    word = ""
    for unit in ("w", "d", "h", "m"):
        number, seconds = divmod(seconds, _UNITS[unit])
        word += f"{number:.0f}{unit}" if number else ""
    return word + (f"{seconds:f}".rstrip("0").rstrip(".") + "s" if seconds or not word else "")


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
