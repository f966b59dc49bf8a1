"""Quantiles of very many spans are those of the spans themselves, to three digits."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.quantiles import bin_of, shape, spread, start_of
from jobrunner.core.report import Spread
from tests.core.adding import three

spans = st.lists(st.integers(0, 10**12), min_size=1, max_size=200)


@given(spans)
def test_quantiles_are_spans_that_occurred(found):
    told = spread(Counter(found), max(found))
    occurred = {span / 1e6 for span in found}
    assert {told.p50, told.p95, told.p99, told.max} <= occurred
    assert told.p50 <= told.p95 <= told.p99 <= told.max == max(found) / 1e6
    assert sum(span / 1e6 <= told.p50 for span in found) * 2 >= len(found)


@given(spans)
def test_what_is_rounded_to_three_digits_is_at_most_a_hundredth_less(found):
    exact = spread(Counter(found), max(found))
    told = spread(Counter(map(three, found)), max(found))
    for name in ("p50", "p95", "p99"):
        known, rounded = getattr(exact, name), getattr(told, name)
        assert known * 0.99 <= rounded <= known
    assert told.max == exact.max


def test_a_hundred_spans_have_their_nearest_ranks():
    counts = {second * 1_000_000: 1 for second in range(1, 101)}
    assert spread(counts, 100_000_000) == Spread(p50=50, p95=95, p99=99, max=100)
    assert spread({}, 0) is None


@pytest.mark.parametrize("span", [1, 9, 10, 999, 1_000, 123_456_789])
def test_a_span_lies_in_its_bin(span):
    assert start_of(bin_of(span)) * 1e6 <= span * 1.000001
    assert span < start_of(bin_of(span) + 1) * 1e6 * 1.000001


def test_what_took_no_time_is_in_the_first_bin():
    assert shape([(0, 3), (1, 4), (10, 2)]) == {0: 7, 8: 2}
