"""Unique tasks through a queue: keys of calls, what is given back, and a COMMIT in doubt."""

import contextlib
from datetime import timedelta

import pytest

from jobrunner import DuplicateTaskError, InvalidTaskError, NewTask, Task, TaskQueue, Unique
from jobrunner.core.errors import CommitUnknownError
from jobrunner.core.unique import WAITING
from jobrunner.storage.engine import Database
from jobrunner.testing import inline

IGNORE = Unique(on_conflict="ignore")


@pytest.fixture
def queue(location):
    queue = TaskQueue(location)
    assert queue.counts()
    yield queue
    assert queue.check() == []
    queue.close()


@pytest.fixture
def thumbnail(queue):
    @queue.task(unique=IGNORE)
    def thumbnail(path, width=200, *more, quality=0.5, **others):
        return path

    return thumbnail


def same(*calls):
    return len({call.rule.key for call in calls}) == 1


def test_a_call_has_one_key_however_its_arguments_are_passed(thumbnail):
    assert same(
        thumbnail.bind("a"),
        thumbnail.bind(path="a"),
        thumbnail.bind("a", 200),
        thumbnail.bind("a", width=200, quality=0.5),
    )
    assert same(thumbnail.bind("a", 3, z=1, y=2), thumbnail.bind(y=2, z=1, width=3, path="a"))


@pytest.mark.parametrize(
    "call",
    [
        {"args": ["b"]},
        {"args": ["a", 3]},
        {"args": ["a", 200.0]},
        {"args": ["a", 200, 1]},
        {"args": ["a"], "kwargs": {"quality": 1}},
        {"args": ["a"], "kwargs": {"z": 1}},
        {"args": ["a"], "kwargs": {"more": [1]}},
    ],
)
def test_another_call_has_another_key(queue, thumbnail, call):
    other = queue.new_task("thumbnail", **call)
    assert not same(thumbnail.bind("a"), other)
    assert same(thumbnail.bind(*call["args"], **call.get("kwargs", {})), other)


def test_a_function_tells_once_what_makes_its_tasks_the_same(queue):
    @queue.task(unique=Unique(by=["path"]))
    def resize(path, width=200):
        return path

    first = resize.enqueue("a", 300)
    assert first.unique_key == 'resize({"path":"a"})'
    with pytest.raises(DuplicateTaskError):
        resize.enqueue(width=400, path="a")
    assert resize.using(unique=None).enqueue("a").unique_key is None


def test_a_name_that_the_function_does_not_know_is_refused(queue, thumbnail):
    @queue.task(unique=Unique(by=["paht"]))
    def resize(path):
        return path

    with pytest.raises(InvalidTaskError, match="'paht', which resize does not take"):
        resize.enqueue("a")
    assert thumbnail.using(unique=Unique(by=["anything"])).bind("a").rule


def test_what_cannot_be_called_like_that_is_refused(thumbnail):
    with pytest.raises(InvalidTaskError, match="do not fit thumbnail: missing a required"):
        thumbnail.bind()
    with pytest.raises(InvalidTaskError, match="must be a list"):
        thumbnail.queue.enqueue(NewTask(function="thumbnail", args=5, unique=IGNORE))


def test_of_a_result_that_is_not_there_yet_no_key_is_made(queue, thumbnail):
    parent = queue.enqueue(NewTask(function="thumbnail", kwargs={"path": "a"}))
    with pytest.raises(InvalidTaskError) as refused:
        thumbnail.enqueue(parent)
    assert "name those with `by`" in refused.value.hint
    named = thumbnail.using(unique=Unique(by=["width"])).enqueue(parent, width=3)
    assert (named.unique_key, named.after) == ('thumbnail({"width":3})', (parent.id,))


def test_the_other_task_is_given_back(queue, thumbnail):
    first = thumbnail.enqueue("a")
    assert not first.is_duplicate
    again = thumbnail.enqueue("a")
    assert isinstance(again, Task)
    assert (again.id, again.is_duplicate, again.refresh()) == (first.id, True, first)
    new = [thumbnail.bind(path) for path in "bab"]
    found = queue.enqueue_many(new)
    assert [task.args[0] for task in found] == ["b", "a", "b"]
    assert [task.is_duplicate for task in found] == [False, True, True]
    assert found[2].id == found[0].id
    assert queue.enqueue_ids(new) == [task.id for task in found]


def test_a_replaced_one_is_given_back_as_it_is_now(queue):
    rule = Unique(key="k", on_conflict="replace")
    first, again = (queue.enqueue(NewTask(function="f", args=[n], unique=rule)) for n in (1, 2))
    assert (again.id, again.args, again.is_duplicate) == (first.id, (2,), True)


def test_tasks_that_run_at_once_come_back_in_the_order_of_the_call(queue, thumbnail):
    with inline(queue):
        a, b = queue.enqueue_many([thumbnail.bind(path) for path in "ab"])
        found = queue.enqueue_many([thumbnail.bind(path) for path in "bab"])
    assert [task.args[0] for task in found] == ["b", "a", "b"]
    assert [task.is_duplicate for task in found] == [False, False, True]
    assert {a.id, b.id}.isdisjoint(task.id for task in found)


def test_in_a_transaction_of_the_user_it_is_part_of_it(queue, thumbnail):
    with contextlib.suppress(KeyboardInterrupt), queue.transaction():
        first = thumbnail.enqueue("a")
        assert thumbnail.enqueue("a").id == first.id
        raise KeyboardInterrupt
    assert not thumbnail.enqueue("a").is_duplicate


def test_one_that_is_refused_leaves_the_users_transaction_as_it_was(queue):
    queue.enqueue(NewTask(function="f", unique="k"))
    with queue.transaction():
        queue.enqueue(NewTask(function="f", description="kept"))
        with pytest.raises(DuplicateTaskError):
            queue.enqueue_many([NewTask(function="f"), NewTask(function="f", unique="k")])
    assert len(queue.find()) == 2


@pytest.fixture
def commits(queue, monkeypatch):
    """Let COMMITs raise: `lost` ones change nothing, `kept` ones have worked all the same."""
    planned = []
    commit = Database._commit

    def shaky(database, connection, transaction):
        fate = planned.pop(0) if planned else "works"
        if fate == "lost":
            transaction.rollback()
        else:
            commit(database, connection, transaction)
        if fate != "works":
            raise CommitUnknownError("it is not known")

    monkeypatch.setattr(Database, "_commit", shaky)
    return planned


@pytest.mark.parametrize("fate", ["kept", "lost"])
@pytest.mark.parametrize("policy", ["error", "ignore", "replace"])
def test_in_doubt_each_is_stored_once_and_nobody_conflicts_with_itself(
    queue, commits, fate, policy
):
    def new(*keys):
        rule = {"on_conflict": policy}
        return [NewTask(function="f", args=[key], unique=Unique(key=key, **rule)) for key in keys]

    queue.enqueue_many(new("a"))
    commits.append(fate)
    keys, there = ("bc", [0, 0]) if policy == "error" else ("abcb", [1, 0, 0, 1])
    found = queue.enqueue_many(new(*keys))
    assert [task.args[0] for task in found] == list(keys)
    assert [task.is_duplicate for task in found] == there
    assert sorted(task.unique_key for task in queue.find()) == ["a", "b", "c"]


@pytest.mark.parametrize("fate", ["kept", "lost"])
def test_in_doubt_a_replacement_is_there(queue, commits, fate):
    rule = Unique(key="k", on_conflict="replace", in_=WAITING)
    first = queue.enqueue(NewTask(function="f", args=["old"], unique=rule))
    commits.append(fate)
    new = NewTask(function="f", args=["new"], delay=timedelta(hours=1), unique=rule)
    again = queue.enqueue(new)
    assert (again.id, again.args, again.status) == (first.id, ("new",), "scheduled")
    assert queue.find() == [again.refresh()]


@pytest.mark.parametrize("fate", ["kept", "lost"])
def test_in_doubt_what_only_found_another_repeats_nothing(queue, commits, fate):
    rule = Unique(key="k", on_conflict="ignore")
    first = queue.enqueue(NewTask(function="f", unique=rule))
    commits.append(fate)
    assert queue.enqueue(NewTask(function="f", args=["x"], unique=rule)).id == first.id
    assert queue.enqueue_ids([NewTask(function="f", unique=rule)]) == [first.id]
    assert len(queue.find()) == 1
