"""Rules fire when cron would: at the changes of the clock, on 29 February, and never wrongly."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobrunner.core.cron import Cron, Every, check_interval, read_rule
from jobrunner.core.due import between
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.core.zone import find_zone
from tests.core.clockwork import Clockwork

PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(rule, tz, behind, count):
    """The next ticks by the clock of the zone, each with its offset in hours."""
    at, found = utc(behind), []
    for _ in range(count):
        at = Cron(rule, tz).next_after(at)
        local = at.astimezone(find_zone(tz))
        found.append(f"{local:%d %H:%M} {local.utcoffset() / timedelta(hours=1):+g}")
    return found


@pytest.mark.parametrize(
    ("tz", "behind", "ticks"),
    [
        (PARIS, "2026-03-27T12:00", ["28 02:30 +1", "29 03:00 +2", "30 02:30 +2"]),
        (NEW_YORK, "2026-03-06T12:00", ["07 02:30 -5", "08 03:00 -4", "09 02:30 -4"]),
    ],
)
def test_a_daily_job_whose_time_is_skipped_fires_once_when_the_clock_is_set_forward(
    tz, behind, ticks
):
    assert shown("30 2 * * *", tz, behind, 3) == ticks


def test_so_it_does_where_the_clock_is_set_by_half_an_hour():
    ticks = ["03 02:15 +10.5", "04 02:30 +11", "05 02:15 +11"]
    assert shown("15 2 * * *", LORD_HOWE, "2026-10-02T12:00", 3) == ticks


@pytest.mark.parametrize(
    ("rule", "tz", "behind", "ticks"),
    [
        ("30 2 * * *", PARIS, "2026-10-24T12:00", ["25 02:30 +2", "26 02:30 +1"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", ["01 01:30 -4", "02 01:30 -5"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-04T12:00", ["05 01:45 +11", "06 01:45 +10.5"]),
    ],
)
def test_a_daily_job_whose_time_comes_twice_fires_the_first_time(rule, tz, behind, ticks):
    assert shown(rule, tz, behind, 2) == ticks


@pytest.mark.parametrize(
    ("rule", "tz", "behind", "ticks"),
    [
        ("30 * * * *", PARIS, "2026-10-24T23:45", ["25 02:30 +2", "25 02:30 +1", "25 03:30 +1"]),
        ("30 * * * *", PARIS, "2026-03-29T00:00", ["29 01:30 +1", "29 03:30 +2", "29 04:30 +2"]),
        ("0 * * * *", NEW_YORK, "2026-11-01T04:30", ["01 01:00 -4", "01 01:00 -5", "01 02:00 -5"]),
        ("0 * * * *", NEW_YORK, "2026-03-08T06:30", ["08 03:00 -4", "08 04:00 -4", "08 05:00 -4"]),
        (
            "45 * * * *",
            LORD_HOWE,
            "2026-04-04T14:00",
            ["05 01:45 +11", "05 01:45 +10.5", "05 02:45 +10.5"],
        ),
        (
            "*/20 5 * * *",
            LORD_HOWE,
            "2026-10-03T12:00",
            ["04 05:00 +11", "04 05:20 +11", "04 05:40 +11"],
        ),
    ],
)
def test_an_hourly_job_goes_by_what_the_clock_shows(rule, tz, behind, ticks):
    assert shown(rule, tz, behind, 3) == ticks


def test_the_29th_of_february_comes_in_leap_years_only():
    rule, at, years = Cron("0 0 29 2 *", PARIS), utc("2026-01-01T00:00"), []
    for _ in range(3):
        at = rule.next_after(at)
        years.append(f"{at.astimezone(find_zone(PARIS)):%Y-%m-%d %H:%M}")
    assert years == ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]


def test_an_interval_does_not_look_at_clocks_on_walls():
    rule = Every(timedelta(hours=24), utc("2026-03-28T12:00"))
    assert between(rule, utc("2026-03-28T11:00"), utc("2026-03-30T12:00")) == [
        utc("2026-03-28T12:00"),
        utc("2026-03-29T12:00"),
        utc("2026-03-30T12:00"),
    ]


FIELDS = st.tuples(
    st.sampled_from(["*", "*/7", "30", "0,30", "15-45/10", "5"]),
    st.sampled_from(["*", "*/2", "1", "2", "1,2", "1-3", "0", "2-23/3"]),
    st.sampled_from(["*", "29", "1,4-8,25", "*/3"]),
    st.sampled_from(["*", "3,10", "4,11"]),
    st.sampled_from(["*", "0", "1-5", "7", "*/2"]),
)
CHANGES = st.sampled_from(
    [
        (PARIS, "2026-03-28T20:00"),
        (PARIS, "2026-10-24T20:00"),
        (NEW_YORK, "2026-03-07T20:00"),
        (NEW_YORK, "2026-10-31T20:00"),
        (LORD_HOWE, "2026-10-03T08:00"),
        (LORD_HOWE, "2026-04-04T08:00"),
        ("Asia/Kathmandu", "2026-05-01T00:00"),
        ("UTC", "2028-02-28T12:00"),
    ]
)


@settings(deadline=None, max_examples=150)
@given(fields=FIELDS, change=CHANGES, start=st.integers(0, 600), seconds=st.integers(0, 59))
def test_ticks_are_those_of_a_cron_that_goes_through_every_minute(fields, change, start, seconds):
    tz, day = change
    text = " ".join(fields)
    behind = utc(day) + timedelta(minutes=start, seconds=seconds, microseconds=seconds)
    until = behind + timedelta(hours=18)
    assert between(Cron(text, tz), behind, until) == Clockwork(text, tz).between(behind, until)


@settings(deadline=None)
@given(fields=FIELDS, change=CHANGES, start=st.integers(0, 10**9), more=st.integers(1, 3))
def test_ticks_go_forward_and_none_lies_between(fields, change, start, more):
    rule = Cron(" ".join(fields), change[0])
    behind = utc("2000-01-01T00:00") + timedelta(seconds=start)
    for _ in range(more):
        tick = rule.next_after(behind)
        assert tick > behind
        middle = behind + (tick - behind) / 2
        assert rule.next_after(middle) == tick or middle == tick
        behind = tick


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("0 0 2 * * *", "has six fields"),
        ("* * * *", "five fields, and '\\* \\* \\* \\*' has 4"),
        ("", "has 0"),
        ("0 25 * * *", "the hour cannot be '25'"),
        ("61 * * * *", "the minute cannot be '61'"),
        ("0 0 * * MON#6", "the day of the week cannot be"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 2,4,6 *", "never fires"),
        ("@dayly", "there is no rule '@dayly'"),
        ("@reboot", "there is no rule"),
        ("@every", "there is no rule"),
        ("@every soon", "no length of time"),
        ("@every 0s", "from a second"),
        ("1" * 10_000, "at most 200 characters"),
        (5, "a rule is text, not 5"),
        (None, "a rule is text"),
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(rule, says):
    with pytest.raises(InvalidScheduleError, match=says):
        read_rule(rule)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=40), st.text("0123456789*/-,L#W@ MONay", max_size=30)))
def test_any_text_is_a_rule_or_is_refused(text):
    with contextlib.suppress(InvalidScheduleError):
        rule = read_rule(text)
        assert isinstance(rule, timedelta) or rule.next_after(utc("2026-01-01T00:00")) is not None


@pytest.mark.parametrize(
    ("tz", "hint"),
    [
        ("Paris", "Did you mean Europe/Paris?"),
        ("europe/paris", "Did you mean Europe/Paris?"),
        ("New York", "Did you mean America/New_York?"),
        ("America", None),
        ("../etc/passwd", None),
        ("", None),
        ("x" * 1_000, None),
        (7, None),
    ],
)
def test_an_unknown_zone_is_refused_with_those_that_are_close(tz, hint):
    with pytest.raises(InvalidScheduleError, match="zone") as told:
        read_rule("@daily", tz=tz)
    assert told.value.hint == hint if hint else told.value.hint


@pytest.mark.parametrize(
    "span", [timedelta(), timedelta(days=40_000), 5, True, None, -timedelta(1)]
)
def test_an_interval_is_from_a_second_to_a_hundred_years(span):
    with pytest.raises(InvalidScheduleError):
        check_interval(span)


def test_rules_are_told_in_words():
    assert read_rule("30 8 * * MON-FRI", tz=PARIS).in_words() == (
        "At 08:30 on Monday through Friday, Europe/Paris time"
    )
    assert read_rule("@daily").in_words() == "At 00:00 every day, UTC"
    every = Every(read_rule("@every 1h30m"), utc("2026-01-01T00:00"))
    assert every.in_words() == "Every 1 hour 30 minutes"


def test_where_the_calendar_ends_there_is_no_next_tick():
    end = datetime.max.replace(tzinfo=UTC) - timedelta(hours=1)
    assert Cron("0 0 1 1 *", PARIS).next_after(end) is None
    assert Every(timedelta(days=1), utc("2026-01-01T00:00")).next_after(end) is None
