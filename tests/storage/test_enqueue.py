"""Storing new tasks: in order, with their dependencies, all or nothing."""

from datetime import timedelta

import pytest

from jobrunner.core.errors import CycleError, JobrunnerError, PayloadError, UnknownParentError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Cancelled, Completed, Failed

BROKEN = Failed("broken", retryable=False)


def work(**fields):
    return NewTask(function="work", **fields)


def with_after(task, *parents):
    """Give a task parents that could not be named yet when it was made."""
    object.__setattr__(task, "after", parents)
    return task


def test_nothing_enqueued_is_nothing_stored(store):
    assert store.enqueue() == []


def test_ids_come_back_in_the_order_of_the_call(store):
    ids = store.enqueue(*[work(args=[number]) for number in range(1000)])
    assert ids == sorted(set(ids))
    assert [store.get(ids[number]).args for number in (0, 500, 999)] == [(0,), (500,), (999,)]


def test_ids_are_never_used_again(store):
    first = store.add()
    store.sql("DELETE FROM tasks")
    assert store.add() > first


def test_every_field_is_stored(store):
    run_at = store.now + timedelta(days=1)
    task_id = store.add(
        function="paint",
        args=[1, {"a": None}],
        kwargs={"width": 2.5},
        queue="images",
        priority=-7,
        description="Painting",
        run_at=run_at,
        timeout=timedelta(seconds=1.5),
        max_attempts=9,
    )
    task = store.get(task_id)
    assert (task.function, task.args, task.kwargs) == ("paint", (1, {"a": None}), {"width": 2.5})
    assert (task.queue, task.priority, task.description) == ("images", -7, "Painting")
    assert (task.run_at, task.created_at) == (run_at, store.now)
    assert (task.timeout, task.max_attempts) == (timedelta(seconds=1.5), 9)
    assert (task.attempt, task.crashes, task.finished_at) == (0, 0, None)


def test_a_command_is_stored_with_its_folder(store):
    task = store.get(store.add(command=["echo", "a b", "ü"], cwd="/tmp"))  # noqa: S108
    assert (task.command, task.cwd, task.function) == (("echo", "a b", "ü"), "/tmp", None)  # noqa: S108


@pytest.mark.parametrize(
    ("fields", "status", "wait"),
    [
        ({}, "pending", 0),
        ({"delay": timedelta(seconds=5)}, "scheduled", 5),
        ({"run_at": timedelta(seconds=-5)}, "pending", 0),
        ({"run_at": timedelta(seconds=7)}, "scheduled", 7),
        ({"run_at": timedelta(seconds=7), "delay": timedelta(seconds=9)}, "scheduled", 9),
    ],
)
def test_a_time_ahead_makes_it_scheduled(store, fields, status, wait):
    if "run_at" in fields:
        fields = fields | {"run_at": store.now + fields["run_at"]}
    task = store.get(store.add(**fields))
    assert (task.status, task.run_at) == (status, store.now + timedelta(seconds=wait))


def test_after_may_name_tasks_of_the_same_call_in_any_order(store):
    last = work(args=["last"])
    first, middle = work(args=["first"]), work(args=["middle"])
    with_after(last, middle, first)
    with_after(middle, first)
    ids = store.enqueue(last, first, middle)
    assert store.statuses(*ids) == ["blocked", "pending", "blocked"]
    assert store.get(ids[0]).after == (ids[1], ids[2])


def test_after_may_name_stored_tasks_and_ids(store):
    one, two = store.add(), store.add()
    task = store.get(store.add(after=[store.get(one)], after_any=[two]))
    assert (task.status, task.after) == ("blocked", (one, two))


def test_a_parent_named_twice_counts_once_by_the_stricter_rule(store):
    parent = store.add()
    twice = store.add(after=[parent, parent])
    both = store.add(after=[parent], after_any=[parent])
    assert store.sql("SELECT waiting_on FROM tasks WHERE status = 'blocked'") == [(1,), (1,)]
    store.finish(parent, BROKEN)
    assert store.statuses(twice, both) == ["cancelled", "cancelled"]


def test_one_task_given_twice_is_stored_twice_with_its_parents(store):
    parent = store.add()
    task = work(after=[parent])
    assert store.statuses(*store.enqueue(task, task)) == ["blocked", "blocked"]


@pytest.mark.parametrize(
    ("outcome", "after", "after_any"),
    [
        (Completed(), "pending", "pending"),
        (BROKEN, "cancelled", "pending"),
        (Cancelled("enough"), "cancelled", "pending"),
    ],
)
def test_a_parent_that_has_ended_already_decides_at_once(store, outcome, after, after_any):
    parent = store.add()
    store.finish(parent, outcome)
    needs, runs_anyway = store.add(after=[parent]), store.add(after_any=[parent])
    assert store.statuses(needs, runs_anyway) == [after, after_any]


@pytest.mark.parametrize(
    ("outcome", "said"), [(BROKEN, "failed"), (Cancelled("enough"), "was cancelled")]
)
def test_a_task_behind_a_failed_parent_says_so(store, outcome, said):
    parent = store.add()
    store.finish(parent, outcome)
    task = store.get(store.add(after=[parent]))
    assert task.error == f"task {parent}, which it depends on, {said}"
    assert task.finished_at == store.now


def test_a_failed_parent_cancels_a_whole_new_graph(store):
    parent = store.add()
    store.finish(parent, BROKEN)
    first = work(after=[parent])
    second = work(after=[first])
    cleanup = work(after_any=[second])
    free = work()
    ids = store.enqueue(cleanup, second, first, free)
    assert store.statuses(*ids) == ["pending", "cancelled", "cancelled", "pending"]


def test_a_scheduled_task_behind_an_ended_parent_keeps_its_time(store):
    parent = store.add()
    store.finish(parent, Completed())
    assert store.statuses(store.add(after=[parent], delay=timedelta(hours=1))) == ["scheduled"]


def cycle():
    first, second = work(description="first"), work(description="second")
    with_after(first, second)
    with_after(second, first)
    return [first, second]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (lambda: [work(args=[float("nan")])], PayloadError),
        (lambda: [work(kwargs={"a": "\0"})], PayloadError),
        (lambda: [work(args=["x" * 2**20])], PayloadError),
        (lambda: [NewTask(command=["x" * 2**20])], PayloadError),
        (lambda: [work(after=[999])], UnknownParentError),
        (lambda: [work(after_any=[999])], UnknownParentError),
        (lambda: [work(after=[work(description="elsewhere")])], UnknownParentError),
        (cycle, CycleError),
    ],
)
def test_one_bad_task_stores_none(store, bad, error):
    before = store.everything()
    good = work()
    with pytest.raises(error) as told:
        store.enqueue(good, *bad(), work(after=[good]))
    assert isinstance(told.value, JobrunnerError)
    assert store.everything() == before


def test_a_cycle_is_named_by_its_members(store):
    with pytest.raises(CycleError) as told:
        store.enqueue(work(), *cycle())
    assert told.value.members in {("first", "second", "first"), ("second", "first", "second")}


def test_a_task_cannot_wait_for_itself(store):
    task = work(description="ouroboros")
    with pytest.raises(CycleError, match="ouroboros -> ouroboros"):
        store.enqueue(with_after(task, task))


def test_an_unknown_parent_is_named(store):
    with pytest.raises(UnknownParentError, match="999") as told:
        store.add(after=[999])
    assert told.value.parent == 999
