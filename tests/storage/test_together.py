"""Group commit: threads that enqueue while others write share a transaction, and nothing else."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from jobrunner import TaskQueue
from jobrunner.core.errors import (
    CommitUnknownError,
    ConflictError,
    DatabaseError,
    DiskFullError,
    PayloadError,
    UnknownParentError,
)
from jobrunner.storage import together
from jobrunner.storage.engine import Database
from tests.databases import on_a_file
from tests.storage.sharing import Line, new

pytestmark = pytest.mark.timeout(60)


def test_what_waits_together_is_stored_together(shared):
    answers = shared.all(*[new(f"{n}-a", f"{n}-b") for n in range(8)])
    assert shared.commits == 1
    for number, tasks in enumerate(answers):
        assert [task.description for task in tasks] == [f"{number}-a", f"{number}-b"]
        assert [task.refresh() for task in tasks] == tasks
    assert len(shared.names()) == 16


def test_nobody_returns_before_the_commit(shared, monkeypatch):
    commit, returned = Database._commit, []

    def looked(*args):
        returned.extend(future for future in futures if future.done())
        commit(*args)

    futures = shared.start(*[new(str(n)) for n in range(4)])
    monkeypatch.setattr(Database, "_commit", looked)
    shared.go.set()
    assert [len(future.result(30)) for future in futures] == [1] * 4
    assert returned == []
    assert shared.names() == list("0123")


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ({"args": [float("nan")]}, PayloadError),
        ({"after": [999]}, UnknownParentError),
    ],
)
def test_a_task_that_cannot_be_stored_fails_for_its_caller_only(shared, bad, error):
    answers = shared.all(new("a"), new("bad", **bad), new("b"))
    assert [type(answer) for answer in answers] == [list, error, list]
    assert shared.names() == ["a", "b"]


def test_dependents_of_what_is_stored_share_too(shared):
    shared.go.set()
    parent = shared.queue.enqueue(new("parent")[0])
    shared.line.wait_for(1)
    shared.go.clear()
    answers = shared.all(new("a", after=[parent]), new("b"), new("c", after_any=[parent.id]))
    assert [tasks[0].status for tasks in answers] == ["blocked", "pending", "blocked"]
    assert [tasks[0].after for tasks in answers] == [(parent.id,), (), (parent.id,)]
    assert shared.commits == 2


def test_a_call_that_names_its_own_tasks_as_parents_has_a_transaction_of_its_own(shared):
    first = new("first")
    shared.queue.enqueue_many([*first, *new("second", after=first)])
    assert not shared.line.was_used()


def test_a_unique_task_has_a_transaction_of_its_own(shared):
    """Its conflict is nobody else's."""
    shared.queue.enqueue_many(new("a", unique="k"))
    assert not shared.line.was_used()


def test_a_commit_whose_end_is_unknown_is_looked_up_for_all(shared):
    for fate in ("kept", "lost"):
        shared.plan.append(fate)
        answers = shared.all(*[new(f"{fate}-{n}") for n in range(4)])
        assert [[task.description for task in tasks] for tasks in answers] == [
            [f"{fate}-{n}"] for n in range(4)
        ]
        assert [tasks[0].refresh() for tasks in answers] == [tasks[0] for tasks in answers]
        shared.go.clear()
    assert len(shared.names()) == 8


def test_an_unknown_end_is_told_to_each_by_an_error_of_its_own(shared):
    shared.plan += ["lost", "lost"]
    errors = shared.all(new("a"), new("b"), new("c"))
    assert [type(error) for error in errors] == [CommitUnknownError] * 3
    assert len({id(error) for error in errors}) == 3
    assert {error.hint for error in errors} == {"Look."}
    assert shared.names() == []


@pytest.mark.parametrize("error", [ConflictError("again"), DatabaseError("busy"), ValueError("?")])
def test_what_fails_together_is_tried_by_each_alone(shared, error):
    shared.plan.append(error)
    answers = shared.all(new("a"), new("b"))
    assert [tasks[0].description for tasks in answers] == ["a", "b"]
    assert shared.names() == ["a", "b"]


def test_a_full_disk_is_told_to_each(shared, monkeypatch):
    def refuse():
        raise DiskFullError("no room")

    monkeypatch.setattr(shared.queue.database.reserve, "refuse_when_low", refuse)
    errors = shared.all(new("a"), new("b"))
    assert [type(error) for error in errors] == [DiskFullError] * 2
    assert shared.names() == []


def test_in_a_transaction_of_the_user_nothing_is_shared(shared):
    with shared.queue.transaction():
        shared.queue.enqueue_many(new("a"))
    assert not shared.line.was_used()
    assert shared.names() == ["a"]


def test_whoever_has_an_open_transaction_does_not_wait_for_a_shared_one(shared):
    with (
        shared.queue.database.writing(),
        pytest.raises(DatabaseError, match="is open already"),
    ):
        shared.queue.enqueue_many(new("a"))
    assert not shared.line.was_used()


def test_very_many_have_a_transaction_of_their_own(shared):
    shared.queue.enqueue_ids(new("a") * (together.FEW + 1))
    assert not shared.line.was_used()


@on_a_file
def test_threads_that_find_a_writer_at_work_share(location):
    queue = TaskQueue(location)
    queue.counts()
    queue.store._together._line = line = Line()
    with ThreadPoolExecutor(4) as pool:
        with queue.database.writing():
            futures = [pool.submit(queue.enqueue_many, new(str(n))) for n in range(4)]
            line.wait_for(4)
        assert [future.result(30)[0].description for future in futures] == list("0123")
    queue.close()
