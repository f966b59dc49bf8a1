"""A queue on the database of a store, and short ways to its read models."""

from collections.abc import Iterator

import pytest

from jobrunner import TaskQueue
from jobrunner.insights import Insight
from jobrunner.testing.clock import StubClock
from tests.storage.conftest import NOW


@pytest.fixture
def clock() -> StubClock:
    """Stands until it is moved."""
    return StubClock(NOW)


@pytest.fixture
def insight(location: str, store: object, clock: StubClock) -> Iterator[Insight]:
    """What a page sees of the store's database."""
    queue = TaskQueue(location, clock=clock)
    yield queue.insight
    queue.close()
