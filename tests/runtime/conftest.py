"""A queue in a fresh database, with workers in threads of the test's own process."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobrunner import TaskQueue, Worker
from tests.runtime.durable import durable
from tests.runtime.functions import functions, gates
from tests.runtime.remembered import remembered
from tests.runtime.support import PATIENCE, Events

QUICK = {"concurrency": 2, "kill_grace": 0.2, "shutdown_grace": 0.2}


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def queue(location: str, events: Events) -> Iterator[TaskQueue]:
    """A queue that knows the functions of these tests and must be sound at the test's end."""
    gates.forget()
    queue = TaskQueue(location, emit=events)
    for registry in (functions.registry, durable.registry, remembered.registry):
        for name in registry.names:
            queue.registry.add(registry.get(name))
    yield queue
    assert queue.check() == []
    queue.close()


@pytest.fixture
def drain(queue: TaskQueue) -> Callable[..., int]:
    """Work in this thread until nothing is left that could run."""

    def work(**settings: Any) -> int:
        return Worker(queue, **(QUICK | settings)).run(until_empty=True)

    return work


@pytest.fixture
def start_worker(queue: TaskQueue) -> Iterator[Callable[..., "Started"]]:
    """Start workers in threads of their own; those still there at the end are stopped at once."""
    started: list[Started] = []

    def start(limits: dict[str, Any] | None = None, **settings: Any) -> Started:
        started.append(Started(Worker(queue, **(QUICK | settings)), limits or {}))
        return started[-1]

    yield start
    for worker in started:
        worker.stop_at_once()


class Started:
    """A worker that runs in a thread."""

    def __init__(self, worker: Worker, limits: dict[str, Any]) -> None:
        self.worker = worker
        self.error: BaseException | None = None
        self._limits = limits
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.worker.run(**self._limits)
        except BaseException as error:  # noqa: BLE001 — told by `join`
            self.error = error

    def stop(self) -> None:
        self.worker.stop("the test says so")

    def stop_at_once(self) -> None:
        self.stop()
        self.stop()
        self.join()

    def join(self) -> None:
        """Wait for its end, which must be in order."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the worker does not end"
        if self.error is not None:
            raise self.error
