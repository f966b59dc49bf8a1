"""The buckets of the report: wide enough to be few, and no second is lost among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.report_detail import BUCKETS, KINDS, Grid, StripCell, grid, strips

moments = st.integers(0, 4 * 10**15)


@given(moments, st.integers(0, 10**16))
def test_buckets_hold_the_whole_time_and_are_few(first, length):
    found = grid(first, first + length)
    assert found.first <= first
    assert found.first + found.width * found.number > first + length
    assert found.number <= BUCKETS + 1
    assert found.first % found.width == 0


@pytest.mark.parametrize(
    ("length", "text"), [(0, "1 ms"), (10**6, "10 ms"), (60 * 10**6, "1 s"), (3600 * 10**6, "1m")]
)
def test_a_width_is_one_that_people_count_in(length, text):
    assert grid(0, length).width_text == text


ran = st.tuples(st.integers(0, 9_999), st.integers(0, 9_999), st.integers(0, 2))


@given(st.lists(ran, min_size=1, max_size=30))
def test_no_second_is_lost_between_buckets(runs):
    cells = Grid(first=0, width=100, number=200)
    attempts = [(start, start + length, kind) for start, length, kind in runs]
    (found,) = strips(
        [
            StripCell("ada", kind, start // 100, end // 100, 1, start, end)
            for start, end, kind in attempts
        ],
        cells,
    )
    for kind in range(len(KINDS)):
        told = sum(spent[kind] for spent in found.spent)
        known = sum(end - start for start, end, one in attempts if one == kind)
        assert told == pytest.approx(known / 1e6)
    for at, spent in enumerate(found.spent):
        inside = sum(
            max(0, min(end, at * 100 + 100) - max(start, at * 100)) for start, end, _ in attempts
        )
        assert sum(spent) == pytest.approx(inside / 1e6)


def test_runs_of_many_attempts_are_put_into_buckets_at_once():
    cells = Grid(first=0, width=100, number=4)
    (found,) = strips([StripCell("ada", 0, 0, 2, 2, 30 + 70, 210 + 290)], cells)
    assert [spent.completed * 1e6 for spent in found.spent] == pytest.approx([100, 200, 100, 0])
