"""Lengths of time and moments, as people write and read them."""

from datetime import timedelta

import pytest

from jobrunner.cli.spans import parse_moment, parse_span, span_text
from jobrunner.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("0", 0), ("90", 90), ("1.5", 1.5), ("90s", 90), ("5m", 300), ("1h30m", 5400)),
        *(("500ms", 0.5), ("2d", 172_800), ("1w", 604_800), ("1.5h", 5400)),
        ("36500d", 3_153_600_000),
    ],
)
def test_a_span_is_read(text, seconds):
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+1", "1 h", "1e3", "inf", "nan", "h", "1x", "1h!", "\u0661s", "1_0", "36501d"],
)
def test_what_is_no_span_is_refused(text):
    with pytest.raises(ConfigurationError):
        parse_span(text)


def test_a_span_of_too_many_digits_is_refused():
    with pytest.raises(ConfigurationError, match="longer than 100 years"):
        parse_span("9" * 400)


@pytest.mark.parametrize("text", ["2026-12-01T09:00", "2026-12-01", "2026-12-01T09:00:00+01:00"])
def test_a_moment_always_has_a_zone(text):
    assert parse_moment(text).tzinfo is not None


@pytest.mark.parametrize("text", ["", "soon", "09:00", "9999-12-31T23:59:59-23:00", "2026-13-01"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ConfigurationError):
        parse_moment(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((None, "-"), (0, "0.000 s"), (0.0042, "0.004 s"), (9.9996, "10.0 s"), (12.34, "12.3 s")),
        *((59.99, "1m"), (60, "1m"), (200, "3m 20s"), (3600, "1h"), (7500, "2h 5m")),
        *((3605, "1h"), (90_000, "1d 1h"), (86_400 * 400, "400d")),
    ],
)
def test_a_span_is_told_in_two_parts_at_most(seconds, text):
    assert span_text(seconds) == text
