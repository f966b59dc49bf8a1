"""Waits grow, have a cap, and spread by at most a tenth."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.backoff import CAP, JITTER, exponential


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 16), (1, 17), (2, 19), (3, 23), (4, 31), (5, 47), (11, 2063), (12, 3600), (20, 3600)],
)
def test_the_wait_is_15_seconds_and_a_power_of_two(failures, seconds):
    assert exponential(failures) == timedelta(seconds=seconds)


@given(st.integers(), st.floats())
def test_any_input_gives_a_wait_within_the_bounds(failures, jitter):
    wait = exponential(failures, jitter=jitter)
    assert timedelta(seconds=16 * 0.9) <= wait <= CAP * (1 + JITTER)


@given(st.integers(0, 100), st.floats(-1, 1))
def test_jitter_moves_the_wait_by_at_most_a_tenth(failures, jitter):
    plain, spread = exponential(failures), exponential(failures, jitter=jitter)
    assert abs(spread - plain) <= plain * JITTER
    assert (spread >= plain) if jitter >= 0 else (spread <= plain)


@given(st.integers(0, 50))
def test_a_later_failure_never_waits_shorter(failures):
    assert exponential(failures) <= exponential(failures + 1)
