"""Executors: of the standard library, and of a queue on each database."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from jobrunner import TaskQueue
from jobrunner.futures.executor import TaskExecutor
from tests.conftest import KINDS, _place
from tests.futures import functions as f
from tests.runtime.support import Events

THREADS = "threads"


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def queue(location, events) -> Iterator[TaskQueue]:
    """A queue that must be sound at the test's end."""
    f.forget()
    queue = TaskQueue(location, emit=events)
    yield queue
    assert queue.check() == []
    queue.close()


@pytest.fixture
def executor(queue) -> Iterator[Callable[..., TaskExecutor]]:
    """Make executors of the queue; none is waited for at the end."""
    made: list[TaskExecutor] = []

    def make(workers: int | None = 1, **options) -> TaskExecutor:
        made.append(queue.executor(workers, **options))
        return made[-1]

    yield make
    _end(made)


@pytest.fixture(params=[THREADS, *KINDS])
def pool(request, tmp_path) -> Iterator[Callable[..., Executor]]:
    """Make executors of which a test must not be able to tell whose they are."""
    f.forget()
    made: list[TaskExecutor] = []
    if request.param == THREADS:
        yield ThreadPoolExecutor
        for name in list(f.gates._gates):
            f.gates[name].set()
        return
    with _place(request, tmp_path, empty=False) as place:
        queue = TaskQueue(place, emit=lambda _event: None)

        def make(workers: int) -> TaskExecutor:
            made.append(queue.executor(workers))
            return made[-1]

        yield make
        _end(made)
        assert queue.check() == []
        queue.close()


def _end(made: list[TaskExecutor]) -> None:
    for name in list(f.gates._gates):
        f.gates[name].set()
    for one in made:
        one.detach()
