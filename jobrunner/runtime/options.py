"""How a worker works, and what it needs of a queue."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from jobrunner.core import lane
from jobrunner.core.crew import check_concurrency, check_name
from jobrunner.core.errors import ConfigurationError, InvalidTaskError
from jobrunner.core.events import Emit
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.executors import plugin
from jobrunner.runtime.identity import host
from jobrunner.runtime.registry import Registry
from jobrunner.storage.engine import Database


class Executor(StrEnum):
    """Where a worker runs functions, unless a plug-in does. Commands are always processes."""

    THREAD = "thread"
    PROCESS = "process"
    ASYNC = "async"


class Source(Protocol):
    """What a worker needs of a TaskQueue."""

    @property
    def database(self) -> Database:
        """Where the tasks are, with its tables in place."""
        ...

    @property
    def registry(self) -> Registry:
        """The functions it can run."""
        ...

    @property
    def clock(self) -> Clock:
        """Its time."""
        ...

    @property
    def emit(self) -> Emit:
        """Where its events go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How a worker works. Spans are seconds.

    `queues` are the queues it serves, each with the number of tasks it may run of it at a
    time or `None` for no limit of its own; an empty mapping means all queues. `executor` is
    one of `Executor`, or the name of an installed plug-in, which gets `executor_options`.
    `offers` are the resources it has for tasks with needs: `{"gpu": 2}`.
    With `capture`, what functions print and log is kept with their attempts, and written where it
    went before; a Scheduler does so unless told otherwise. Of commands it always is.
    A child of the process executor is replaced after `max_tasks_per_child` tasks, 1,000 unless
    said, or once it has more than `max_memory_per_child` bytes in RAM at the end of one.
    Workers of one `name` are a crew: they are paused and resized together, and those that start
    later with them; unless said, it is the host's.

    Raises:
        ConfigurationError: a number has no meaning.
    """

    name: str | None = None
    concurrency: int | None = None
    executor: str = Executor.THREAD
    executor_options: Mapping[str, str] = field(default_factory=dict[str, str])
    queues: Mapping[str, int | None] = field(default_factory=dict[str, "int | None"])
    offers: Mapping[str, float] = field(default_factory=dict[str, float])
    capture: bool = False
    heartbeat: float = 5.0
    lost_after: float = 30.0
    shutdown_grace: float = 15.0
    kill_grace: float = 5.0
    max_tasks_per_child: int | None = None
    max_memory_per_child: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.executor not in set(Executor):
            make = plugin.find(self.executor, self.executor_options, beside=Executor)
            make()  # what it refuses is to be told before workers are started
        elif self.executor_options:
            raise ConfigurationError(
                f"the executor '{self.executor}' takes no options",
                hint="Name a plug-in with --executor.",
            )
        if self.heartbeat <= 0 or self.lost_after < 2 * self.heartbeat:
            raise ConfigurationError(
                "a worker must be able to beat at least twice before it counts as lost",
                hint="Make lost-after at least twice the heartbeat.",
            )
        if self.shutdown_grace < 0 or self.kill_grace < 0:
            raise ConfigurationError("a grace cannot be negative")
        self._check_children()
        self._check_amounts()

    def _check_children(self) -> None:
        for name in ("max_tasks_per_child", "max_memory_per_child"):
            most: int | None = getattr(self, name)
            if most is None:
                continue
            if most < 1:
                raise ConfigurationError(f"{name} must be at least 1")
            if self.executor != Executor.PROCESS:
                raise ConfigurationError(
                    f"{name} goes with children, and the executor '{self.executor}' has none",
                    hint="Name the process executor, or leave it out.",
                )

    def _check_amounts(self) -> None:
        if self.name is not None:
            check_name(self.name)
        if self.concurrency is not None:
            check_concurrency(self.concurrency)
        if any(limit is not None and limit < 1 for limit in self.queues.values()):
            raise ConfigurationError("a queue's limit must be at least 1")
        try:
            lane.check_amounts("offers", self.offers)
        except InvalidTaskError as error:
            raise ConfigurationError(str(error)) from error

    @classmethod
    def of(
        cls,
        *,
        queues: Mapping[str, int | None] | Iterable[str] = (),
        **settings: Any,
    ) -> "WorkerOptions":
        """Make options of plain values: the queues as a list of names.

        Raises:
            ConfigurationError: an option has no meaning.
        """
        limits: dict[str, int | None] = {}
        for queue in queues:
            limits[queue] = queues[queue] if isinstance(queues, Mapping) else None
        try:
            return cls(queues=limits, **settings)
        except TypeError as error:
            raise ConfigurationError(f"a worker has no such option: {error}") from error

    @property
    def crew(self) -> str:
        """The name of its crew."""
        return self.name or host()

    @property
    def slots(self) -> int:
        """How many tasks run at a time: unless said, as many as CPUs, or 100 where each is light.

        Coroutines are, and so is what runs on an engine elsewhere, which has limits of its own.
        """
        if self.concurrency is not None:
            return self.concurrency
        if self.executor in {Executor.THREAD, Executor.PROCESS}:
            return os.cpu_count() or 1
        return 100
