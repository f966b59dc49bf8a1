"""A COMMIT that raised: looked up before anything is repeated."""

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.errors import CommitUnknownError
from jobrunner.core.outcome import Completed
from jobrunner.storage.doubt import is_stored
from jobrunner.storage.engine import Database
from jobrunner.storage.enqueue import enqueue


@pytest.fixture
def queue(location):
    queue = TaskQueue(location)
    assert queue.counts()
    yield queue
    assert queue.check() == []
    queue.close()


@pytest.fixture
def commits(queue, monkeypatch):
    """Let COMMITs raise: `lost` ones change nothing, `kept` ones have worked all the same."""
    planned = []
    commit = Database._commit

    def shaky(database, connection, transaction):
        match planned.pop(0) if planned else "works":
            case "kept":
                commit(database, connection, transaction)
                raise CommitUnknownError("it is not known")
            case "lost":
                transaction.rollback()
                raise CommitUnknownError("it is not known")
            case "works":
                commit(database, connection, transaction)

    monkeypatch.setattr(Database, "_commit", shaky)
    return planned


def names(queue):
    return sorted(task.description for task in queue.find())


def new(*names):
    return [NewTask(function="work", description=name, args=[name]) for name in names]


@pytest.mark.parametrize("fate", ["kept", "lost"])
def test_tasks_whose_commit_is_unknown_are_stored_once(queue, commits, fate):
    commits.append(fate)
    stored = queue.enqueue_many(new("a", "b"))
    assert [task.description for task in stored] == ["a", "b"]
    assert names(queue) == ["a", "b"]


def row_of(store, task):
    """What an enqueue wrote that was then rolled back."""
    rows = []

    def undone(transaction):
        rows.extend(enqueue(transaction, [task], now=store.now))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(undone)
    return rows[0]


def test_what_was_stored_is_known_whatever_has_become_of_it(store):
    row, _ = store.write(enqueue, new("a", "b"), now=store.now)
    store.later(1)
    for lease in store.claim():
        store.settle(lease, Completed())
    assert store.read(is_stored, row)


def test_an_id_that_went_to_somebody_else_is_not_taken_for_ones_own(store):
    row = row_of(store, *new("mine"))
    (theirs,) = store.enqueue(*new("theirs"))
    assert not store.read(is_stored, row | {"id": theirs})


def test_the_same_task_of_another_moment_is_not_taken_for_ones_own(store):
    row = row_of(store, *new("a"))
    store.later(1)
    (later,) = store.enqueue(*new("a"))
    assert not store.read(is_stored, row | {"id": later})


def test_what_is_not_there_is_not_stored(store):
    assert not store.read(is_stored, row_of(store, *new("a")))


def test_a_second_commit_that_raises_is_told(queue, commits):
    commits += ["lost", "lost"]
    with pytest.raises(CommitUnknownError):
        queue.enqueue_many(new("a"))
    assert names(queue) == []


def test_in_a_transaction_of_the_user_the_commit_is_the_users(queue, commits):
    commits.append("lost")
    with pytest.raises(CommitUnknownError), queue.transaction():
        queue.enqueue_many(new("a"))
    assert names(queue) == []
