"""Graphs and timelines of what is stored."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobrunner.core.batch import BatchNotFoundError
from jobrunner.core.errors import InvalidTaskError, TaskNotFoundError
from jobrunner.core.insight_graph import TaskEdge
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from jobrunner.storage import batches, timeline
from jobrunner.storage.types import micros
from tests.storage.conftest import NOW
from tests.storage.insights import clock as clock  # noqa: PLC0414 — a fixture of several files
from tests.storage.insights import insight as insight  # noqa: PLC0414 — likewise

SECOND = timedelta(seconds=1)


def ids(graph):
    return [node.id for node in graph.nodes]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    pairs=st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=16),
    start=st.integers(0, 11),
    limit=st.integers(1, 15),
)
def test_a_graph_is_all_that_hangs_together(store, insight, pairs, start, limit):
    edges = {(one, two) for one, two in pairs if one < two}
    new = []
    for number in range(12):
        parents = [new[one] for one, two in edges if two == number]
        new.append(NewTask(function=f"f{number}", after=parents))
    tasks = store.enqueue(*new)
    stored = {(tasks[one], tasks[two]) for one, two in edges}
    reached = {tasks[start]}
    while more := {end for edge in stored if reached & {*edge} for end in edge} - reached:
        reached |= more
    graph = insight.graph(tasks[start], limit)
    assert len(graph.nodes) == min(limit, len(reached))
    assert {*ids(graph)} <= reached
    assert tasks[start] in ids(graph)
    assert graph.is_cut == (len(reached) > limit)
    assert {edge[:2] for edge in graph.edges} == {
        edge for edge in stored if {*edge} <= {*ids(graph)}
    }
    near = {end for edge in stored if tasks[start] in edge for end in edge} | {tasks[start]}
    assert {*ids(insight.neighbours(tasks[start]))} == near


def test_a_graph_tells_how_long_its_tasks_ran(store, insight):
    first = store.add(description="the first")
    second = store.enqueue(NewTask(command=["ls", "-l"], after=[first]))[0]
    lease = store.claim_one()
    started = store.now
    store.later(4)
    store.settle(lease, Completed(), started_at=micros(started))
    graph = insight.graph(second)
    one, two = graph.nodes
    assert (one.name, one.status, one.run_s) == ("the first", Status.COMPLETED, 4.0)
    assert (two.name, two.status, two.run_s) == ("ls -l", Status.PENDING, None)
    assert graph.edges == [TaskEdge(first, second, "cancel")]


def test_a_graph_of_very_many_is_cut(store, insight):
    parent = store.add()
    store.enqueue(*[NewTask(function="work", after=[parent]) for _ in range(50)])
    graph = insight.graph(parent, 3)
    assert (len(graph.nodes), len(graph.edges), graph.is_cut) == (3, 2, True)


def test_the_graph_of_a_batch_is_its_members_and_callbacks(store, insight):
    members = [NewTask(function="work") for _ in range(3)]
    batch_id, rows = store.write(
        batches.create, members, {"on_end": NewTask(function="end")}, description="", now=store.now
    )
    expected = [row["id"] for row in rows]
    store.enqueue(NewTask(function="another", after=[expected[-1]]))
    graph = insight.batch_graph(batch_id)
    assert ids(graph) == expected
    assert {edge[:2] for edge in graph.edges} == {(one, expected[-1]) for one in expected[:3]}
    assert not graph.is_cut
    assert insight.batch_graph(batch_id, 2).is_cut


@pytest.mark.parametrize("unknown", [0, -1, 99, 2**63, 10**40])
def test_what_is_not_there_has_no_graph(insight, unknown):
    with pytest.raises(TaskNotFoundError):
        insight.graph(unknown)
    with pytest.raises(TaskNotFoundError):
        insight.neighbours(unknown)
    with pytest.raises(BatchNotFoundError):
        insight.batch_graph(unknown)


def ran(store, began, took, outcome=None, worker="ada"):
    """A task that began so many seconds after `NOW` and took so many."""
    task_id = store.add()
    (lease,) = store.claim(worker, limit=1)
    assert lease.task_id == task_id
    start = micros(NOW) + began * 1_000_000
    times = {"started_at": start, "ended_at": start + took * 1_000_000}
    store.settle(lease, outcome or Completed(), worker=worker, **times)
    return task_id


def test_a_timeline_shows_what_ran_then_in_lanes_without_overlaps(store, insight):
    store.worker("bea", started_at=NOW + SECOND)
    one = ran(store, 0, 10)
    two = ran(store, 5, 10)
    three = ran(store, 12, 10, Failed("x", retryable=False))
    four = ran(store, 30, 5, worker="bea")
    five = store.add()
    store.sql("UPDATE tasks SET started_at = 0")
    store.claim("bea", limit=1)
    found = insight.timeline(NOW, NOW + 60 * SECOND)
    shown = [
        (lane.worker_id, lane.slot, [(bar.task_id, bar.outcome) for bar in lane.bars])
        for lane in found.lanes
    ]
    assert shown == [
        ("ada", 0, [(one, "completed"), (three, "failed")]),
        ("ada", 1, [(two, "completed")]),
        ("bea", 0, [(five, "running")]),
        ("bea", 1, [(four, "completed")]),
    ]
    assert not found.is_cut
    within = insight.timeline(NOW - SECOND, NOW + 3 * SECOND)
    assert [bar.task_id for lane in within.lanes for bar in lane.bars] == [one, five]
    cut = insight.timeline(NOW, NOW + 60 * SECOND, 2)
    assert cut.is_cut
    assert [bar.task_id for lane in cut.lanes for bar in lane.bars] == [five, four]


def test_a_timeline_finds_what_ran_on_behind_it(store, insight, monkeypatch):
    monkeypatch.setattr(timeline, "SLACK", timedelta())
    ran(store, 0, 1)
    long = ran(store, 5, 1_000)
    ran(store, 2_000, 1)
    found = insight.timeline(NOW + 10 * SECOND, NOW + 20 * SECOND)
    assert [bar.task_id for lane in found.lanes for bar in lane.bars] == [long]


def test_a_timeline_marks_lost_workers(store, insight):
    ran(store, 0, 1)
    store.later(100)
    store.lose("ada")
    (lane,) = insight.timeline(NOW, NOW + 60 * SECOND).lanes
    assert (lane.status, lane.lost_at, lane.host, lane.pid) == (WorkerStatus.LOST, NOW, "here", 1)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seconds=st.lists(st.integers(0, 20), max_size=8), at=st.integers(0, 21))
def test_the_first_attempt_of_a_time_is_found_by_bisection(store, seconds, at):
    store.sql("DELETE FROM attempts")
    for began in sorted(seconds):
        ran(store, began, 0)
    rows = store.sql("SELECT id, ended_at FROM attempts ORDER BY id")
    moment = NOW + at * SECOND
    later = [row.id for row in rows if row.ended_at >= micros(moment)]
    last = rows[-1].id if rows else 0
    found = store.read(timeline.first_ended, moment)
    if later:
        assert rows[0].id == later[0] or found == later[0]
        assert found <= later[0]
        assert all(row.ended_at < micros(moment) for row in rows if row.id < found)
    else:
        assert found == last + 1


def test_a_timeline_needs_time(insight):
    with pytest.raises(InvalidTaskError):
        insight.timeline(NOW, NOW)
