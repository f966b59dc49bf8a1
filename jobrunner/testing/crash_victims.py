"""A queue whose worker processes are armed with crash points as soon as they begin."""

from typing import Any

from jobrunner.core.events import Emit
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.registry import Registry
from jobrunner.storage.engine import Database
from jobrunner.task_queue import TaskQueue
from jobrunner.testing.crash_kills import KillAt, RandomKills

Plan = RandomKills | KillAt


class Victims:
    """A queue as a `Scheduler` takes it, whose worker processes are armed; this one is not."""

    def __init__(self, queue: TaskQueue, plan: Plan) -> None:
        """`plan` says when they die."""
        self._queue = queue
        self._plan = plan

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a worker process, and be armed there."""
        return _arrive, (self._queue, self._plan)

    @property
    def database(self) -> Database:
        """Where the tasks are, with its tables in place."""
        return self._queue.database

    @property
    def registry(self) -> Registry:
        """The functions it can run."""
        return self._queue.registry

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self._queue.clock

    @property
    def emit(self) -> Emit:
        """Where its events go."""
        return self._queue.emit


def _arrive(queue: TaskQueue, plan: Plan) -> Victims:
    plan.arm(queue)
    return Victims(queue, plan)
