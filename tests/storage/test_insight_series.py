"""The series of the history equals a plain count of it, however it is read piece by piece."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobrunner.core.report import FAILURES
from jobrunner.core.series import STEP
from jobrunner.runtime import series as series_
from jobrunner.storage.types import micros
from tests.storage.conftest import NOW
from tests.storage.insights import clock as clock  # noqa: PLC0414 — a fixture of several files
from tests.storage.insights import insight as insight  # noqa: PLC0414 — likewise

OUTCOMES = ("completed", "failed", "timed_out", "lost", "snoozed")
UNTIL = NOW + timedelta(hours=2)
HISTORY = """INSERT INTO attempts (id, task_id, token, number, worker_id, ready_at, started_at,
    ended_at, outcome) VALUES (:id, :task_id, :id, 1, 'ada', :ready, :started, :ended, :outcome)"""


@pytest.fixture
def read(store, insight, monkeypatch):
    """Reads little at once."""
    monkeypatch.setattr(series_, "CHUNK", 4)
    monkeypatch.setattr(series_, "CHUNKS", 2)
    monkeypatch.setattr(series_, "LAG", 3)
    store.task_id = store.add()
    store.last = 0
    store.known = []
    yield store
    store.sql("DELETE FROM attempts")


def put(store, ends):
    """Write attempts down; a gap before each."""
    for gap, seconds, wait, run, outcome in ends:
        store.last += gap
        ended = micros(NOW) + seconds * 1_000_000
        values = {"started": ended - run, "ready": ended - run - wait, "ended": ended}
        store.sql(HISTORY, id=store.last, task_id=store.task_id, outcome=outcome, **values)
        store.known.append((ended, outcome, max(0, wait), run))


def whole(insight, since, buckets):
    for _ in range(200):
        found = insight.series(since, UNTIL, buckets)
        if not found.is_cut:
            return found
    raise AssertionError("it never came to an end")


def naive(store, found, width):
    for bucket in found:
        first = micros(bucket.at)
        inside = [one for one in store.known if first <= one[0] < first + width]
        kinds = Counter(
            "failed" if o in FAILURES else "completed" if o == "completed" else "other"
            for _, o, _, _ in inside
        )
        assert (bucket.completed, bucket.failed, bucket.other) == tuple(
            kinds[kind] for kind in ("completed", "failed", "other")
        )
        means = [
            sum(one[at] for one in inside) / len(inside) / 1e6 if inside else None for at in (2, 3)
        ]
        assert [bucket.wait_s, bucket.run_s] == pytest.approx(means)


ends = st.lists(
    st.tuples(
        st.integers(1, 9),
        st.integers(0, 7_000),
        st.integers(-5, 10**7),
        st.integers(0, 10**7),
        st.sampled_from(OUTCOMES),
    ),
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(some=ends, cut=st.integers(0, 25), buckets=st.integers(1, 50))
def test_a_series_equals_a_count_of_all(read, insight, some, cut, buckets):
    seconds = sorted(one[1] for one in some)
    in_order = [(gap, at, *rest) for (gap, _, *rest), at in zip(some, seconds, strict=True)]
    for new in (in_order[:cut], in_order[cut:]):
        put(read, new)
        for since in (UNTIL - timedelta(hours=1), NOW - STEP):
            found = whole(insight, since, buckets)
            naive(read, found, micros(found[1].at) - micros(found[0].at))
    read.sql("DELETE FROM attempts")
    read.known.clear()
    read.last += 1_000_000  # far ahead: it begins anew


def test_what_was_read_is_not_read_again(read, insight, monkeypatch):
    put(read, [(1, n, 0, 1, "completed") for n in range(50)])
    since = NOW - STEP
    assert sum(bucket.completed for bucket in whole(insight, since, 5)) == 50
    spans = []
    tallies = series_.ends.tallies
    monkeypatch.setattr(
        series_.ends,
        "tallies",
        lambda transaction, above, upto: (
            spans.append(upto - above) or tallies(transaction, above, upto)
        ),
    )
    assert sum(bucket.completed for bucket in insight.series(since, UNTIL, 5)) == 50
    assert spans == [3]
    put(read, [(1, 60, 0, 1, "completed")])
    assert sum(bucket.completed for bucket in insight.series(since, UNTIL, 5)) == 51
    assert sum(spans) == 3 + 4


def test_a_call_reads_a_bounded_stretch_and_the_next_goes_on(read, insight):
    put(read, [(1, n, 0, 1, "completed") for n in range(50)])
    sums = []
    for _ in range(10):
        found = insight.series(NOW - STEP, UNTIL, 5)
        sums.append(sum(bucket.completed for bucket in found))
        if not found.is_cut:
            break
    assert sums == [11, 19, 27, 35, 43, 50]


def test_an_empty_history_has_empty_buckets(insight):
    found = insight.series(NOW, UNTIL, 4)
    assert [(b.completed, b.failed, b.other, b.wait_s) for b in found] == [(0, 0, 0, None)] * 5
