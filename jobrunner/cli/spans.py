"""Lengths of time and moments as people write and read them."""

from datetime import datetime, timedelta

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.span import parse_span, span_text

__all__ = ["parse_expiry", "parse_moment", "parse_past", "parse_seconds", "parse_span", "span_text"]


def parse_seconds(text: str | None) -> float | None:
    """Read `2h` as seconds; `None` where nothing is said.

    Raises:
        ConfigurationError: it is no length of time.
    """
    return None if text is None else parse_span(text).total_seconds()


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


def parse_past(text: str, now: datetime) -> datetime:
    """Read `2h` as so long ago, or a moment.

    Raises:
        ConfigurationError: it is neither.
    """
    try:
        return now - parse_span(text)
    except ConfigurationError:
        try:
            return parse_moment(text)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{text!r} is neither a length of time nor a moment",
                hint="Write 2h for two hours ago, or 2026-12-01T09:00.",
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
