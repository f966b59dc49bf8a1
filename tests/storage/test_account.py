"""What the database adds up of attempts is what one gets by adding them up one by one."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from jobrunner.core import payload
from jobrunner.core.report import By
from jobrunner.core.report_detail import KINDS, grid, kind_of, strips
from jobrunner.storage import account, pace, worst
from jobrunner.storage.types import micros
from tests.core import adding
from tests.core.adding import Attempt
from tests.storage.conftest import NOW

OUTCOMES = ("completed", "cached", "failed", "timed_out", "crashed", "lost", "snoozed")
TASKS = ("resize", "fetch", "cat")
HISTORY = """INSERT INTO attempts (id, task_id, token, number, worker_id, ready_at, started_at,
    ended_at, outcome, error) VALUES
    (:id, :task_id, :id, 1, :worker, :ready, :started, :ended, :outcome, :error)"""
KEYS = {
    By.FUNCTION: lambda row: row.name,
    By.QUEUE: lambda row: row.queue,
    By.WORKER: lambda row: row.worker_id,
    By.HOUR: lambda row: f"{row.ended_at:%Y-%m-%dT%H}:00Z",
}
spans = st.integers(-1_000, 999) | st.integers(1_000, 10**10)


@pytest.fixture
def filled(store):
    """Three tasks: two functions, and a command of the name of none."""
    store.tasks = [
        store.add(function="resize", queue="images"),
        store.add(function="fetch"),
        store.add(command=["cat", "a", "b"]),
    ]
    yield store
    store.sql("DELETE FROM attempts")


def put(store, drawn):
    """Write attempts down, and tell them."""
    store.sql("DELETE FROM attempts")
    rows = []
    for number, (task, worker, outcome, ended, run, wait) in enumerate(drawn, 1):
        ended_at = NOW + timedelta(microseconds=ended)
        started_at = ended_at - timedelta(microseconds=run)
        ready_at = started_at - timedelta(microseconds=wait)
        queue = "images" if task == 0 else "default"
        rows.append(Attempt(TASKS[task], worker, outcome, ready_at, started_at, ended_at, queue))
        store.sql(
            HISTORY,
            id=number,
            task_id=store.tasks[task],
            worker=worker,
            ready=micros(ready_at),
            started=micros(started_at),
            ended=micros(ended_at),
            outcome=outcome,
            error=None if outcome == "completed" else f"{outcome} after {run} in /tmp/{number}",
        )
    return rows


drawn = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["ada", "bob"]),
        st.sampled_from(OUTCOMES),
        st.integers(0, 3 * 10**10),
        spans,
        spans,
    ),
    max_size=12,
)


def read_whole(sums):
    return sorted(sums.runs), sorted(sums.waits), sorted(sums.lost)


CALM = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


@settings(max_examples=25, **CALM)
@given(drawn, st.none() | st.integers(0, 3 * 10**10))
def test_sums_are_those_of_the_attempts(filled, drawn, late):
    rows = put(filled, drawn)
    since = None if late is None else NOW + timedelta(microseconds=late)
    rows = [row for row in rows if since is None or row.ended_at >= since]
    for by, key in KEYS.items():
        found = filled.read(
            lambda transaction, by=by: read_whole(account.sums(transaction, by, since=since))
        )
        assert found == read_whole(adding.sums(rows, key))
    cells = filled.read(lambda transaction: [*account.by_worker(transaction, since=since)])
    assert sorted(cells) == adding.by_worker(rows)
    assert filled.read(account.extent, since=since) == adding.extent(rows)


@settings(max_examples=15, **CALM)
@given(drawn)
def test_buckets_hold_what_ended_and_what_ran_in_them(filled, drawn):
    rows = put(filled, [(*one[:4], abs(one[4]), one[5]) for one in drawn])
    if not rows:
        return
    first, last = adding.extent(rows)
    cells = grid(micros(first), micros(last))
    ended = filled.read(pace.ends, cells)
    counts = Counter(kind_of(row.outcome) for row in rows)
    assert [sum(one) for one in zip(*ended, strict=True)] == [counts[kind] for kind in KINDS]
    found = filled.read(
        lambda transaction: strips(pace.strip_cells(transaction, cells, ["ada"]), cells)
    )
    busy = sum(sum(spent) for strip in found for spent in strip.spent)
    assert busy == pytest.approx(sum(row.ran for row in rows if row.worker_id == "ada") / 1e6)


@pytest.mark.parametrize(
    "words",
    [
        ["ffmpeg"],
        ["ffmpeg", "-i", "a"],
        ["/usr/bin/my tool", '","'],
        ['quo"ted', "x"],
        ["back\\slash"],
        ["ünïcode\n", "ü"],
        ["a,b]"],
    ],
)
def test_a_command_is_told_by_its_program(store, words):
    store.add(command=words)
    found = store.sql("SELECT command FROM tasks")[0][0]
    assert found == payload.encode(words, what="command")
    name = store.read(lambda transaction: transaction.scalar(select(account.PROGRAM)))
    assert account.name_of(name) == words[0]


def test_a_function_and_a_program_of_one_name_are_one(filled):
    filled.tasks[0] = filled.add(function="cat")
    put(filled, [(0, "ada", "completed", 5, 1, 1), (2, "ada", "completed", 9, 1, 1)])
    sums = filled.read(lambda transaction: [*account.sums(transaction, By.FUNCTION).runs])
    assert [(cell.group, cell.number) for cell in sums] == [("cat", 2)]


def test_the_slowest_come_first(filled):
    second = 10**6
    put(
        filled,
        [
            (0, "ada", "completed", 9 * second, 2 * second, 0),
            (1, "bob", "failed", 9 * second, 3 * second, second),
            (2, "ada", "completed", 9 * second, second, 0),
        ],
    )
    one, two = filled.read(worst.slowest, limit=2)
    assert (one.name, one.outcome, one.run_s, one.wait_s) == ("fetch", "failed", 3, 1)
    assert (two.name, two.queue, two.worker_id, two.run_s) == ("resize", "images", "ada", 2)


def test_attempts_in_vain_are_put_together_by_what_was_said(filled):
    put(
        filled,
        [
            *((0, "ada", "failed", at, 3, 0) for at in range(5)),
            (1, "ada", "crashed", 7, 1, 0),
            (1, "ada", "completed", 8, 1, 0),
            (2, "ada", "lost", 9, 1, 0),
        ],
    )
    (first, *others), is_cut = filled.read(worst.failed_runs, limit=2)
    assert (first.name, first.count, first.tasks, first.for_good) == ("resize", 5, 1, 0)
    assert first.error == "failed after 3 in /tmp/5"  # the newest
    assert (first.outcomes, list(first.ids)) == ({"failed": 5}, filled.tasks[:1])
    assert first.last_at == NOW + timedelta(microseconds=4)
    assert [one.count for one in others] == [1]
    assert not is_cut


def test_of_very_many_attempts_in_vain_the_newest_are_looked_at(filled, monkeypatch):
    monkeypatch.setattr(worst, "LOOKED_AT", 3)
    put(filled, [(0, "ada", "failed", at, 3, 0) for at in range(5)])
    (only,), is_cut = filled.read(worst.failed_runs, limit=9)
    assert (only.count, is_cut) == (3, True)
