"""Counts, backlogs, failures, changes and spans of what is stored."""

from collections import Counter
from datetime import timedelta

import pytest

from jobrunner import TaskQueue
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.insight import Cursor
from jobrunner.core.limits import Limits
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.status import Status
from jobrunner.runtime import paced
from jobrunner.storage import counting, failures, queues, spans
from tests.storage.conftest import NOW
from tests.storage.insights import clock as clock  # noqa: PLC0414 — a fixture of several files
from tests.storage.insights import insight as insight  # noqa: PLC0414 — likewise

BROKEN = Failed("broken", retryable=False)


def of_each_status(store):
    """Tasks of all statuses in two queues, some in lanes."""
    for queue in ("a", "b"):
        for outcome in (Completed(), BROKEN):
            store.finish(store.add(queue=queue), outcome)
        store.cancel(store.add(queue=queue))
        running = store.add(queue=queue, priority=99)
        assert store.claim_one().task_id == running
        store.enqueue(NewTask(function="work", queue=queue, delay=timedelta(hours=1)))
        first = store.add(queue=queue, concurrency_key="k")
        store.enqueue(NewTask(function="work", queue=queue, after=[first]))
    store.add(queue="a")


def test_counts_are_those_of_the_table(store, insight):
    assert store.read(counting.counts) == dict.fromkeys(Status, 0)
    assert store.read(counting.by_queue) == {}
    of_each_status(store)
    rows = store.sql("SELECT queue, status FROM tasks")
    expected = Counter(row.status for row in rows)
    assert set(expected) == {*Status}
    assert insight.counts() == store.read(counting.counts) == expected
    by_queue = store.read(counting.by_queue)
    assert Counter((row.queue, row.status) for row in rows) == {
        (queue, status): number for queue, own in by_queue.items() for status, number in own.items()
    }


def test_backlogs_tell_what_waits_and_runs(store, insight):
    of_each_status(store)
    store.later(60)
    store.add(queue="b", priority=5)
    store.write(queues.pause, "c", now=store.now)
    store.write(queues.limit, "b", {"concurrency": 3})
    found = {one.name: one for one in insight.queue_backlogs()}
    assert [*found] == ["a", "b", "c"]
    assert (found["a"].pending, found["a"].in_progress, found["a"].limits) == (2, 1, Limits())
    assert (found["b"].pending, found["b"].in_progress, found["b"].limits) == (2, 1, Limits(3))
    assert found["a"].oldest_pending_at == NOW
    assert found["b"].oldest_pending_at == NOW  # in its lane
    assert found["c"].oldest_pending_at is None
    assert found["c"].paused_at == store.now
    assert [one.is_paused for one in found.values()] == [False, False, True]


def test_very_many_are_not_counted_at_every_call(store, insight, clock, monkeypatch):
    monkeypatch.setattr(paced, "FREE", 2)
    monkeypatch.setattr(paced, "A_SECOND", 3)
    store.add()
    assert insight.counts()[Status.PENDING] == 1
    store.enqueue(*[NewTask(function="work") for _ in range(2)])
    assert insight.counts()[Status.PENDING] == 3
    store.add()
    assert insight.counts()[Status.PENDING] == 3
    assert (found := insight.changes()).lags
    assert found.counts[Status.PENDING] == 3
    clock.advance(1)
    assert not (found := insight.changes()).lags
    assert found.counts[Status.PENDING] == 4


def test_a_relocated_queue_is_counted_anew(location, store, tmp_path, clock, monkeypatch):
    monkeypatch.setattr(paced, "FREE", 0)
    store.add()
    queue = TaskQueue(location, clock=clock)
    assert queue.insight.counts()[Status.PENDING] == 1
    queue.relocate(tmp_path / "other.db")
    assert queue.insight.counts()[Status.PENDING] == 0
    queue.close()


def fail(store, error, **fields):
    task_id = store.add(**fields)
    store.finish(task_id, Failed(error, retryable=False))
    store.later(1)
    return task_id


def test_failures_are_grouped_by_what_they_say(store, insight):
    one = fail(store, "no answer from 10.0.0.1", queue="a")
    two = fail(store, "no answer from 10.0.0.2", queue="b")
    other = fail(store, "no answer from 10.0.0.2", function="other")
    command = fail(store, "exit code 3", command=["false"])
    three = fail(store, "no answer from 10.0.0.3", queue="a")
    store.retry(fail(store, "gone"))
    found = insight.failures()
    assert [(group.function, group.count, group.ids) for group in found] == [
        ("work", 3, (three, two, one)),
        (None, 1, (command,)),
        ("other", 1, (other,)),
    ]
    assert found[0].error == "no answer from 10.0.0.3"
    assert found[0].last_at == NOW + timedelta(seconds=4)
    assert insight.failures(1) == found[:1]


def test_only_the_newest_failures_are_looked_at(store, insight, monkeypatch):
    monkeypatch.setattr(failures, "LOOKED_AT", 5)
    monkeypatch.setattr(failures, "MOST_IDS", 4)
    failed = [fail(store, f"broken {n}", queue="ab"[n % 2]) for n in range(8)]
    (group,) = insight.failures()
    assert (group.count, group.ids) == (5, tuple(failed[:3:-1]))


def test_failures_of_one_moment_are_each_told_once(store, insight):
    tasks = store.enqueue(*[NewTask(function="work", max_attempts=1) for _ in range(600)])
    store.settle_all([store.ended(lease, BROKEN) for lease in store.claim(limit=600)])
    (group,) = insight.failures()
    assert group.ids == tuple(reversed(tasks))


def test_changes_are_what_happened_behind_the_cursor(store, insight):
    store.finish(store.add(), Completed())
    start = insight.changes()
    assert (start.enqueued, start.ended, start.is_cut) == ([], [], False)
    assert insight.changes(start.cursor) == start
    one = store.add(description="the one", queue="q")
    two = store.add()
    store.finish(one, Completed())
    found = insight.changes(start.cursor)
    assert [(new.id, new.name, new.queue, new.status) for new in found.enqueued] == [
        (one, "the one", "q", Status.COMPLETED),
        (two, "work", "default", Status.PENDING),
    ]
    (end,) = found.ended
    assert (end.task_id, end.outcome, end.number, end.worker_id) == (one, "completed", 1, "ada")
    assert found.counts == store.read(counting.counts)
    assert not found.is_cut
    assert insight.changes(found.cursor).enqueued == []
    assert Cursor.parse(str(found.cursor)) == found.cursor


def test_a_cursor_from_the_far_past_gets_the_newest(store, insight):
    ids = store.enqueue(*[NewTask(function="work") for _ in range(5)])
    found = insight.changes(Cursor(), 2)
    assert ([new.id for new in found.enqueued], found.is_cut) == (ids[3:], True)
    assert insight.changes(found.cursor, 2).enqueued == []


def test_a_cursor_from_the_future_is_brought_back(store, insight):
    task_id = store.add()
    found = insight.changes(Cursor(2**63 - 1, 2**63 - 1))
    assert (found.enqueued, found.cursor) == ([], Cursor(task_id, 0))


def test_spans_are_the_last_runs_of_a_function(store, insight, monkeypatch):
    done = [store.add(function="f") for _ in range(3)]
    for task_id in done:
        store.finish(task_id, Completed())
    store.finish(store.add(function="g"), BROKEN)
    found = insight.spans("f", 2)
    assert [(one.task_id, one.outcome, one.run_s) for one in found] == [
        (task_id, "completed", 0.0) for task_id in done[1:]
    ]
    assert not found.is_cut
    assert [one.outcome for one in insight.spans("g")] == ["failed"]
    monkeypatch.setattr(spans, "AMONG", 2)
    assert [one.task_id for one in insight.spans("f")] == done[2:]
    assert insight.spans("f").is_cut


@pytest.mark.parametrize("limit", [0, 2**63])
def test_nothing_is_asked_for_without_bounds(insight, limit):
    for call in (insight.failures, lambda n: insight.changes(None, n)):
        with pytest.raises(InvalidTaskError, match="limit"):
            call(limit)
