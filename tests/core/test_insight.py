"""What pages ask with, and what they draw, without a database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.critical import critical_path
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.fingerprint import LONGEST, fingerprint, normalised
from jobrunner.core.insight import Cursor, Listing, TaskQuery
from jobrunner.core.insight_graph import TaskEdge, TaskNode
from jobrunner.core.packing import slots
from jobrunner.core.series import STEP, Tally, grid
from jobrunner.core.status import Status

NOW = datetime(2026, 1, 1, 12, 0, 7, tzinfo=UTC)
NAIVE = NOW.replace(tzinfo=None)
spans = st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 10)))


@given(spans)
def test_bars_of_one_slot_never_overlap_and_no_slot_is_spare(drawn):
    bars = [(start, None if took is None else start + took) for start, took in drawn]
    found = slots(bars)
    by_slot = {}
    for slot, bar in sorted(zip(found, bars, strict=True), key=lambda one: one[1][0]):
        by_slot.setdefault(slot, []).append(bar)
    forever = 1_000
    for own in by_slot.values():
        ends = [(start, forever if end is None else end) for start, end in own]
        assert all(one[1] <= two[0] for one, two in pairwise(sorted(ends)))
    most = max(
        (
            sum(s <= at < (forever if e is None else max(e, s + 1)) for s, e in bars)
            for at in range(31)
        ),
        default=0,
    )
    assert sorted(by_slot) == list(range(len(by_slot)))
    assert len(by_slot) <= most


def node(task_id, run_s):
    return TaskNode(
        id=task_id,
        name="",
        status=Status.COMPLETED,
        started_at=None,
        finished_at=None,
        run_s=run_s,
    )


@given(
    st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=7),
    st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6))),
)
def test_the_critical_path_is_the_longest_of_all_paths(runs, pairs):
    edges = {(a, b) for a, b in pairs if a < b < len(runs)}
    took = [run or 0 for run in runs]

    def longest(at):
        return took[at] + max((longest(b) for a, b in edges if a == at), default=0)

    path = critical_path(
        [node(n, run) for n, run in enumerate(runs)],
        [TaskEdge(a, b, "cancel") for a, b in edges | {(len(runs) - 1, 99)}],
    )
    assert all(pair in edges for pair in pairwise(path))
    assert sum(took[n] for n in path) == max(longest(n) for n in range(len(runs)))


def test_of_nothing_there_is_no_critical_path():
    assert critical_path([], []) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no answer from 10.0.0.1:80 after 3.5 s", "no answer from 10.1.22.3:8080 after 12 s"),
        ("KeyError: 'ada'", "KeyError: 'grace hopper'"),
        ("no such file: /tmp/a/b.png", "no such file: /var/ada/c.png"),
        ("<Job object at 0x7f01ab>", "<Job object at 0x55DE>"),
        ("commit 1a2b3c4d5e not found", "commit ffee00112 not found"),
        (
            "task 123e4567-e89b-12d3-a456-426614174000 is gone",
            "task 00000000-aaaa-12d3-a456-42661417ffff is gone",
        ),
        ("GET https://example.org/a?b=1 failed", "GET http://other.org failed"),
    ],
)
def test_errors_that_differ_in_values_only_have_one_fingerprint(one, other):
    assert normalised(one) == normalised(other)
    assert fingerprint("f", one) == fingerprint("f", other)


def test_other_words_or_another_function_make_another_fingerprint():
    one = fingerprint("f", "host is down")
    assert one not in {fingerprint("f", "host is gone"), fingerprint("g", "host is down")}
    assert fingerprint(None, None) == fingerprint(None, "")


@given(st.text())
def test_any_text_has_a_fingerprint_that_does_not_change(text):
    assert len(fingerprint(text, text)) == 16
    assert len(normalised("/" * 10 * LONGEST)) <= LONGEST


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_cursor_goes_through_its_text(task_id, attempt_id):
    cursor = Cursor(task_id, attempt_id)
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    ["", "t1", "t1-a", "t01-a1", "t1-a1\n", "t-1-a1", f"t{2**63}-a1", "t\u0661-a1", "t1-a1" * 999],
)
def test_other_text_is_no_cursor(text):
    with pytest.raises(InvalidTaskError):
        Cursor.parse(text)


@pytest.mark.parametrize("wrong", [{"text": "\0"}, {"error": "\ud800"}, {"created_since": NAIVE}])
def test_a_query_holds_only_what_a_database_can_compare(wrong):
    with pytest.raises(InvalidTaskError):
        TaskQuery(**wrong)


def test_a_listing_is_a_sequence():
    listing = Listing((1, 2, 3))
    assert (len(listing), listing[-1], listing[:2], [*listing]) == (3, 3, (1, 2), [1, 2, 3])
    assert not Listing(())


@given(st.integers(1, 10**7), st.integers(1, 200), st.integers(0, 10**6))
def test_buckets_are_whole_steps_and_hold_both_ends(seconds, buckets, later):
    until = NOW + timedelta(seconds=later)
    since = until - timedelta(seconds=seconds)
    found = grid(since, until, buckets)
    shown = list(found.regroup({}))
    assert len(shown) == found.number <= buckets + 1
    width = found.width * STEP
    assert shown[0].at <= since < shown[0].at + width
    assert shown[-1].at <= until < shown[-1].at + width
    assert all(two.at - one.at == width for one, two in pairwise(shown))
    assert (width - STEP) * buckets < timedelta(seconds=seconds)


def test_what_lies_outside_of_the_buckets_is_not_counted():
    found = grid(NOW - timedelta(minutes=1), NOW, 6)
    tally = Tally(completed=1, failed=2, other=1, wait=4_000_000, run=8_000_000)
    tallies = {found.first - 1: tally, found.first: tally, found.end: tally}
    first, *others = found.regroup(tallies, {found.first: tally})
    assert (first.completed, first.failed, first.other) == (2, 4, 2)
    assert (first.wait_s, first.run_s) == (1.0, 2.0)
    assert all((b.completed, b.wait_s, b.run_s) == (0, None, None) for b in others)


@pytest.mark.parametrize(
    ("since", "until", "buckets"),
    [
        (NOW, NOW, 5),
        (NOW, NOW - STEP, 5),
        (NOW - STEP, NOW, 0),
        (NOW - STEP, NOW, 10**9),
        (NOW - STEP, NOW, True),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(2, 1, 1, tzinfo=UTC), 5),
        (NAIVE, NOW, 5),
    ],
)
def test_a_series_without_time_or_buckets_is_refused(since, until, buckets):
    with pytest.raises(InvalidTaskError):
        grid(since, until, buckets)
