"""An estimate is a range from at least five runs, or says what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.estimate import (
    ENOUGH,
    Kind,
    kinds_of,
    of_left,
    of_progress,
    of_runs,
)
from jobrunner.core.task import Progress

WORK = Kind("function", "work")
TEN = {WORK: [float(second) for second in range(1, 11)]}


@given(st.lists(st.floats(0, 1e6), max_size=30), st.floats(0, 1e6))
def test_no_number_is_made_of_fewer_than_five_runs(took, ran_for):
    runs = {WORK: took}
    for found in (of_runs([WORK], runs), of_left([WORK], runs, ran_for=ran_for)):
        numbers = (found.low_s, found.likely_s, found.high_s)
        if len(took) < ENOUGH:
            assert numbers == (None, None, None)
            assert found.basis.endswith("it takes 5")
        elif found.is_known:
            assert 0 <= numbers[0] <= numbers[1] <= numbers[2] <= max(took)
        assert found.runs == len(took)


def test_an_estimate_tells_its_range_and_its_basis():
    found = of_runs([WORK], TEN)
    assert (found.low_s, found.likely_s, found.high_s, found.runs) == (1, 5, 9, 10)
    assert str(found) == "about 5.000 s, 1.000 s to 9.000 s, from 10 runs of work"
    assert str(of_runs([WORK], {WORK: [1.0]})) == "unknown: 1 run of work is recorded, it takes 5"
    assert str(of_runs([WORK], {})) == "unknown: no runs of work are recorded, it takes 5"


def test_what_runs_takes_as_long_as_those_that_took_longer():
    found = of_left([WORK], TEN, ran_for=6.5)
    assert (found.low_s, found.likely_s, found.high_s) == (0.5, 1.5, 3.5)
    over = of_left([WORK], TEN, ran_for=10)
    assert not over.is_known
    assert over.basis == "it runs longer than each of 10 runs of work"


def test_the_time_left_follows_from_the_rate():
    found = of_progress(Progress(25, 100), 10)
    assert found is not None
    assert found.likely_s == 30
    assert found.low_s == pytest.approx(30 / 2**0.75)
    assert found.high_s == pytest.approx(30 * 2**0.75)
    assert found.basis == "from its progress, 25 of 100"
    for progress in (None, Progress(0, 100), Progress(5), Progress(200, 100), Progress(-1, 5)):
        assert of_progress(progress, 10) is None
    assert of_progress(Progress(5e-324, 1e308), 1e300) is None
    done = of_progress(Progress(4, 4), 10)
    assert done is not None
    assert (done.low_s, done.high_s) == (0, 0)


def test_a_command_is_known_by_its_description_and_else_by_its_first_word():
    kinds = kinds_of(None, "halve", "convert")
    assert kinds == (Kind("description", "halve"), Kind("command", "convert"))
    assert kinds_of("work", "halve", "") == (Kind("function", "work"),)
    five, four = [1.0] * 5, [9.0] * 4
    halve, convert = kinds
    assert of_runs(kinds, {halve: five, convert: four}).basis == "from 5 runs of halve"
    assert of_runs(kinds, {halve: four, convert: five}).basis == "from 5 runs of convert"
    assert not of_runs(kinds, {halve: four, convert: four}).is_known
