"""The pytest plugin: three fixtures, and nothing imported before one of them is used."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # every run of every project with jobrunner imports this module
    from jobrunner.task_queue import TaskQueue
    from jobrunner.testing.clock import StubClock


@pytest.fixture
def jobrunner_clock() -> "StubClock":
    """A clock that stands until the test moves it."""
    from jobrunner.testing.clock import StubClock

    return StubClock()


@pytest.fixture
def jobrunner_queue(tmp_path: Path, jobrunner_clock: "StubClock") -> "Iterator[TaskQueue]":
    """A queue without functions in a fresh database, which goes by `jobrunner_clock`."""
    from jobrunner.task_queue import TaskQueue

    queue = TaskQueue(tmp_path / "jobrunner-queue.db", clock=jobrunner_clock)
    yield queue
    queue.close()


@pytest.fixture
def jobrunner_isolate(
    tmp_path_factory: pytest.TempPathFactory, jobrunner_clock: "StubClock"
) -> "Iterator[Callable[[TaskQueue], TaskQueue]]":
    """Have an application's queue live in a fresh database until the test ends.

    Call it with the queue, which then goes by `jobrunner_clock`.
    """
    from jobrunner.testing.isolation import isolated

    with contextlib.ExitStack() as stack:

        def isolate(queue: "TaskQueue") -> "TaskQueue":
            folder = tmp_path_factory.mktemp("jobrunner")
            return stack.enter_context(isolated(queue, folder=folder, clock=jobrunner_clock))

        yield isolate
