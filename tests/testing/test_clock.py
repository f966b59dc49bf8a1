"""The stub clock stands until it is moved, and both kinds of time move together."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from jobrunner import InvalidTaskError
from jobrunner.testing import StubClock


def test_it_stands_until_it_is_moved(clock):
    before = clock.now(), clock.monotonic()
    assert (clock.now(), clock.monotonic()) == before


def test_every_test_starts_at_the_same_moment():
    assert StubClock().now() == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("span", [90, 90.0, timedelta(minutes=1, seconds=30)])
def test_both_kinds_of_time_move_by_the_same_span(clock, span):
    now, monotonic = clock.now(), clock.monotonic()
    assert clock.advance(span) == now + timedelta(seconds=90)
    assert clock.now() - now == timedelta(seconds=clock.monotonic() - monotonic)


def test_its_moments_are_utc():
    start = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert StubClock(start).now().isoformat() == "2026-07-01T10:00:00+00:00"


def test_a_start_without_a_zone_is_refused():
    with pytest.raises(InvalidTaskError, match="start"):
        StubClock(datetime(2026, 7, 1))  # noqa: DTZ001 — that is what is refused


def test_it_never_goes_back(clock):
    with pytest.raises(ValueError, match="forward, not by -1 s"):
        clock.advance(-1)


def test_no_move_of_many_threads_is_lost(clock):
    def move() -> None:
        for _ in range(1000):
            clock.advance(1)

    threads = [threading.Thread(target=move) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() == 4000
