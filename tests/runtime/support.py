"""Clocks that stand, events to wait for, and waits that end when the database changes."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from jobrunner import TaskQueue
from jobrunner.core.events import Event
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import workers

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which a wait fails its test."""

LOOK_EVERY = 0.03
"""Seconds between two looks of a test: a server tells of new work, and not of every commit."""


class FakeClock:
    """Both kinds of time stand until they are moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def later(self, seconds: float) -> None:
        self.seconds += seconds
        self.moment += timedelta(seconds=seconds)


class Events:
    """Keeps what happens, and lets a test wait for it."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.seen.append(event)
            self._changed.notify_all()

    def of(self, kind: type[T], **fields: Any) -> list[T]:
        """What has happened so far of a kind, with these values."""
        return [
            event
            for event in list(self.seen)
            if isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in fields.items())
        ]

    def wait(self, kind: type[T], **fields: Any) -> T:
        """Wait for the first of a kind with these values."""
        with self._changed:
            came = self._changed.wait_for(lambda: self.of(kind, **fields), timeout=PATIENCE)
        assert came, f"no {kind.__name__} {fields} among {self.seen}"
        return self.of(kind, **fields)[0]


def until(queue: TaskQueue, condition: Callable[[], T], *, patience: float = PATIENCE) -> T:
    """Wait until something holds, looking again when the database changes, and now and then."""
    wakeup = Wakeup(queue.database.watch(), SystemClock())
    deadline = time.monotonic() + patience
    try:
        while not (found := condition()):
            assert time.monotonic() < deadline, "it did not come to hold"
            wakeup.wait(LOOK_EVERY)
    finally:
        wakeup.close()
    return found


def outcomes(queue: TaskQueue, task_id: int) -> list[str]:
    """How the attempts of a task have ended."""
    return [record.outcome for record in queue.history(task_id)]


def register_ada(queue, clock):
    """Store a worker of another machine, without a process."""
    info = WorkerInfo(
        id="ada",
        host="elsewhere",
        boot_id="another boot",
        pid=1,
        executor="thread",
        concurrency=1,
        queues=(),
        status=WorkerStatus.RUNNING,
        beat=0,
        started_at=clock.now(),
        seen_at=clock.now(),
        stopped_at=None,
        error=None,
    )
    with queue.database.writing() as transaction:
        workers.register(transaction, info)
    return info
