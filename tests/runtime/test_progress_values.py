"""What progress may be: numbers that JSON and both databases hold."""

import math

import pytest

from jobrunner import PayloadError, context
from jobrunner.runtime.running import Running, enter
from tests.runtime.support import FakeClock


class Link:
    task_id, attempt = 1, 1

    def __init__(self):
        self.saved = []

    def save(self, values):
        self.saved.append(values)


@pytest.fixture
def saved():
    link = Link()
    enter(Running(link, FakeClock()))
    return link.saved


@pytest.mark.parametrize("total", [math.inf, -math.inf, math.nan, None])
def test_a_total_that_is_not_finite_is_unknown(saved, total):
    context.progress(1, total)
    assert saved == [{"done": 1.0, "total": None, "note": None}]


@pytest.mark.parametrize("done", [math.inf, math.nan])
def test_progress_that_is_not_finite_is_refused(saved, done):
    with pytest.raises(PayloadError, match="finite"):
        context.progress(done)
    assert saved == []


def test_zero_has_no_sign(saved):
    context.progress(-0.0, -0.0)
    assert repr(saved) == "[{'done': 0.0, 'total': 0.0, 'note': None}]"
