"""An application's queue lives elsewhere for a block, and its own database is left alone."""

import pickle

import pytest

from jobrunner import TaskQueue
from jobrunner.runtime.clock import SharedClock
from jobrunner.testing import StubClock, drain, inline, isolated


@pytest.fixture
def application(tmp_path):
    """A queue as it stands at the top of a module."""
    queue = TaskQueue(tmp_path / "production.db")
    yield queue
    queue.close()


@pytest.fixture
def add(application):
    @application.task
    def add(a, b):
        return a + b

    return add


def test_its_own_database_is_not_even_made(application, add, tmp_path):
    with isolated(application) as queue:
        assert queue is application
        task = add.enqueue(1, 2)
        drain(queue)
        assert task.result() == 3
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_and_is_back_afterwards(application, add):
    task = add.enqueue(1, 2)
    with isolated(application):
        assert application.find() == []
        add.enqueue(3, 4)
    assert application.find() == [task]


def test_the_fresh_database_goes_away(application, add):
    with isolated(application) as queue:
        add.enqueue(1, 2)
        folder = queue.database.path.parent
        assert folder.is_dir()
    assert not folder.exists()


def test_a_folder_of_the_tests_own_stays(application, add, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    with isolated(application, folder=folder):
        add.enqueue(1, 2)
    assert (folder / "jobs.db").exists()


def test_it_goes_by_another_clock_if_one_is_given(application):
    clock = StubClock()
    with isolated(application, clock=clock):
        assert application.clock is clock
    assert isinstance(application.clock, SharedClock)
    with isolated(application):
        assert isinstance(application.clock, SharedClock)


def test_an_error_in_the_block_puts_it_back_too(application, tmp_path):
    with pytest.raises(ZeroDivisionError), isolated(application, clock=StubClock()):
        raise ZeroDivisionError
    assert application.database.path == tmp_path / "production.db"
    assert isinstance(application.clock, SharedClock)


def test_blocks_may_stand_in_one_another(application, add):
    with isolated(application):
        outer = add.enqueue(1, 2)
        with isolated(application):
            assert application.find() == []
        assert application.find() == [outer]


def test_it_goes_together_with_inline(application, add):
    with isolated(application), inline(application):
        assert add.enqueue(1, 2).result() == 3


def test_worker_processes_find_the_fresh_database(application):
    with isolated(application):
        assert pickle.loads(pickle.dumps(application)).database.path == application.database.path  # noqa: S301
