"""Recorded runs by kind, and open tasks with all that holds them, as they are read."""

from datetime import timedelta

import pytest

from jobrunner.core.estimate import Kind
from jobrunner.core.outcome import Completed, Failed
from jobrunner.core.task import Progress
from jobrunner.storage import control, durations, outlook, progress, queues, workers
from jobrunner.storage.types import micros

SECOND = timedelta(seconds=1)


@pytest.fixture
def run(store):
    """Run one task to its end in so many seconds."""

    def run(seconds, outcome=None, **fields):
        task_id = store.add(max_attempts=1, **fields)
        lease = store.claim_one()
        assert lease.task_id == task_id
        began = micros(store.now)
        store.later(seconds)
        store.settle(lease, outcome or Completed(), started_at=began, ended_at=micros(store.now))
        return task_id

    return run


def test_runs_are_told_by_function_and_by_what_a_command_is_called(store, run):
    run(1, function="work")
    run(2, function="work", description="said otherwise")
    run(3, command=["convert", "a"])
    run(4, command=["convert"], description="halve")
    run(5, command=['a "b\\', "x"])
    run(6, Failed("out of luck"), function="work")
    wanted = [
        Kind("function", "work"),
        Kind("description", "said otherwise"),
        Kind("command", "convert"),
        Kind("description", "halve"),
        Kind("command", 'a "b\\'),
        Kind("function", "none"),
    ]
    found = store.read(durations.runs, wanted)
    assert found == dict(zip(wanted, ([2, 1], [], [4, 3], [4], [5], []), strict=True))
    assert store.read(durations.runs, wanted[:1]) == {wanted[0]: [2, 1]}
    assert store.read(durations.runs, []) == {}


def test_only_the_newest_runs_count_and_only_so_many_are_looked_at(store, run, monkeypatch):
    for seconds in range(1, 8):
        run(seconds, function="work" if seconds > 1 else "rare")
    work, rare = Kind("function", "work"), Kind("function", "rare")
    monkeypatch.setattr(durations, "_STEP", 2)
    assert store.read(durations.runs, [work, rare])[rare] == [1]
    monkeypatch.setattr(durations, "KEPT", 3)
    assert store.read(durations.runs, [work])[work] == [7, 6, 5]
    monkeypatch.setattr(durations, "AMONG", 3)
    assert store.read(durations.runs, [work, rare]) == {work: [7, 6, 5], rare: []}


def test_open_tasks_are_told_with_what_holds_them(store, run):
    ended = run(1)
    running = store.add(queue="images")
    lease = store.claim_one()
    store.write(queues.limit, "images", {"concurrency": 2})
    store.write(queues.pause, "off", now=store.now)
    store.write(progress.save, running, lease.token, now=store.now, done=3.0, total=9.0)
    known = {"priority": 4, "command": ["ls"], "description": "look", "concurrency_key": "disk"}
    late = store.add(delay=timedelta(seconds=30), **known)
    last = store.add(queue="off", after=[ended, running], after_any=[late])
    store.later(2)
    found = store.read(outlook.of_all, now=store.now)
    by_id = {task.id: task for task in found.tasks}
    assert (found.number, found.is_cut, found.slots) == (3, False, 1)
    assert by_id.keys() == {running, late, last}
    assert by_id[running].ran_for == 2
    assert by_id[running].progress == Progress(3, 9)
    assert (by_id[running].queue, by_id[late].key) == ("images", "disk")
    assert (by_id[late].starts_in, by_id[late].priority, by_id[late].ran_for) == (28, 4, None)
    assert by_id[late].kinds == (Kind("description", "look"), Kind("command", "ls"))
    assert sorted(by_id[last].parents) == [(running, "cancel"), (late, "run")]
    assert (dict(found.queue_limits), dict(found.key_limits)) == ({"images": 2}, {"disk": 1})
    assert list(found.paused) == ["off"]


def test_a_graph_is_told_beside_what_else_is_open(store, run):
    ended = run(1)
    last = store.add(after=[store.add(after=[ended])])
    other = store.add()
    graph = store.read(outlook.of_task, last, now=store.now)
    assert {task.id for task in graph.tasks} == {last - 1, last, other}
    assert (graph.wanted, graph.number, graph.is_cut) == ({last - 1, last}, 2, False)
    everything = store.read(outlook.of_all, now=store.now)
    assert (everything.wanted, everything.number) == (None, 3)
    (earlier,) = store.read(durations.pauses)
    assert (earlier.worker_id, earlier.ended_at - earlier.started_at) == ("ada", 1_000_000)


def test_of_very_much_the_first_are_looked_at(store, monkeypatch):
    for _ in range(5):
        store.add()
    monkeypatch.setattr(outlook, "MOST", 3)
    found = store.read(outlook.of_all, now=store.now)
    assert (len(found.tasks), found.number, found.is_cut) == (3, 5, True)


def test_a_worker_that_stops_or_is_paused_has_no_slots(store):
    store.worker("bob", concurrency=8, wanted=3)
    store.worker("eve", concurrency=5, paused_at=store.now)
    store.write(workers.set_stopping, "ada", now=store.now)
    assert store.read(outlook.of_all, now=store.now).slots == 3


def test_earlier_attempts_count_for_the_progress_of_what_went_on_from_a_checkpoint(store):
    task_id = store.add(max_attempts=9)
    lease = store.claim_one()
    store.write(progress.save, task_id, lease.token, now=store.now, done=1.0, checkpoint="1")
    began = micros(store.now)
    store.later(5)
    store.settle(lease, Failed("no"), started_at=began, ended_at=micros(store.now))
    other = store.add()
    assert store.read(durations.before, [task_id, other]) == {task_id: 5}
    store.write(control.cancel, task_id, now=store.now)
