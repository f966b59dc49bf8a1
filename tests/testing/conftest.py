"""An application to be tested: a queue in a fresh database, whose clock stands."""

from collections.abc import Iterator
from typing import Any

import pytest

from jobrunner import TaskQueue
from jobrunner.testing import StubClock


@pytest.fixture
def clock() -> StubClock:
    return StubClock()


@pytest.fixture
def queue(location: str, clock: StubClock) -> Iterator[TaskQueue]:
    """A queue that must be sound at the test's end, with nothing left in progress."""
    queue = TaskQueue(location, clock=clock)
    yield queue
    assert queue.check() == []
    assert queue.counts()["in_progress"] == 0
    assert {worker.status for worker in queue.workers()} <= {"stopped"}
    queue.close()


@pytest.fixture
def log() -> list[Any]:
    """What tasks note down, in their order."""
    return []


@pytest.fixture
def note(queue, log):
    @queue.task
    def note(word):
        log.append(word)
        return word

    return note
