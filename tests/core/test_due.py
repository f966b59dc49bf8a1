"""Which ticks are fired: under `all` none is lost and none comes twice, whenever anybody looks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobrunner.core.cron import Cron, Every
from jobrunner.core.due import GRACE, between, due, newest
from jobrunner.core.policy import Missed
from tests.core.clockwork import Clockwork

START = datetime(2026, 10, 24, 20, 0, 0, tzinfo=UTC)
TZ = "Europe/Paris"

RULES = st.sampled_from(["* * * * *", "*/15 * * * *", "30 2 * * *", "0,40 1-3 * * *", "5 * * * *"])
LOOKS = st.lists(st.integers(1, 40_000), min_size=1, max_size=12)
"""Seconds between two looks."""


def fired(rule, looks, *, missed, cap=1_000):
    """What one who looks now and then fires: the ticks that get tasks, and the last look."""
    now, next_at, found = START, rule.next_after(START), []
    for seconds in looks:
        now += timedelta(seconds=seconds)
        if next_at > now:
            continue
        ended = due(rule, next_at=next_at, now=now, missed=missed, cap=cap)
        assert ended.next_at > now
        found.append([] if ended.is_missed else ended.ticks)
        next_at = ended.next_at
    return found, now


@settings(deadline=None)
@given(text=RULES, looks=LOOKS)
def test_with_all_each_tick_is_fired_once_and_in_order(text, looks):
    found, now = fired(Cron(text, TZ), looks, missed=Missed.ALL, cap=100_000)
    ticks = [tick for some in found for tick in some]
    assert ticks == Clockwork(text, TZ).between(START, now)


@settings(deadline=None)
@given(text=RULES, looks=LOOKS, cap=st.integers(1, 20))
def test_with_a_cap_the_newest_are_kept(text, looks, cap):
    everything, _ = fired(Cron(text, TZ), looks, missed=Missed.ALL, cap=100_000)
    capped, _ = fired(Cron(text, TZ), looks, missed=Missed.ALL, cap=cap)
    assert capped == [ticks[-cap:] for ticks in everything]


@settings(deadline=None)
@given(text=RULES, looks=LOOKS)
def test_with_one_all_that_were_missed_are_one(text, looks):
    everything, _ = fired(Cron(text, TZ), looks, missed=Missed.ALL, cap=100_000)
    ones, _ = fired(Cron(text, TZ), looks, missed=Missed.ONE)
    assert ones == [ticks[-1:] for ticks in everything]


@pytest.mark.parametrize(("late", "is_missed"), [(0, False), (60, False), (61, True)])
def test_with_skip_a_tick_has_a_minute(late, is_missed):
    rule = Every(timedelta(hours=1), START)
    now = START + timedelta(seconds=late)
    ended = due(rule, next_at=START, now=now, missed=Missed.SKIP, cap=5)
    assert (ended.is_missed, ended.ticks) == (is_missed, [START])
    assert timedelta(seconds=60) == GRACE


@settings(deadline=None)
@given(
    seconds=st.integers(1, 10_000),
    length=st.integers(0, 1_000_000),
    count=st.integers(1, 50),
)
def test_the_newest_ticks_are_found_from_the_end(seconds, length, count):
    rule = Every(timedelta(seconds=seconds), START)
    until = START + timedelta(seconds=length)
    if length / seconds < 20_000:
        every = between(rule, START - timedelta(microseconds=1), until)
        assert newest(rule, START, until, count=count) == every[-count:]


def test_a_year_without_anybody_is_not_gone_through(monkeypatch):
    asked = []
    rule = Cron("* * * * *", TZ)
    monkeypatch.setattr(
        Cron, "next_after", lambda self, at, old=Cron.next_after: asked.append(at) or old(self, at)
    )
    found = newest(rule, START, START + timedelta(days=365), count=100)
    assert len(found) == 100
    assert len(asked) < 1_000
