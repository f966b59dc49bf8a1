"""Send each attempt to where it belongs: a thread, a child, the loop, or a command."""

from functools import cached_property
from typing import Final

from jobrunner.core.errors import UnknownFunctionError
from jobrunner.core.outcome import Failed
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.executors.aio import AsyncExecutor
from jobrunner.runtime.executors.base import Slots, Uncontrolled
from jobrunner.runtime.executors.command import CommandExecutor
from jobrunner.runtime.executors.process import ProcessExecutor, prepare_server
from jobrunner.runtime.executors.thread import ThreadExecutor
from jobrunner.runtime.guard import Guard
from jobrunner.runtime.options import Executor, Source, WorkerOptions

ALONE_AFTER: Final = 2
"""A task that has crashed this often runs alone, in a process of its own."""


class Executors:
    """Everything one worker runs attempts with; parts start when they are first needed."""

    def __init__(self, options: WorkerOptions, queue: Source) -> None:
        """`queue` has the functions and what they need."""
        self._kind = options.executor
        self._registry = queue.registry
        self._database = queue.database
        self._clock = queue.clock
        self._size = options.slots
        self._slots = Slots(self._size, "jobrunner-slot")
        self._guard = Guard()
        self._thread = ThreadExecutor(queue.database, queue.clock)
        self._command = CommandExecutor(self._guard)
        if self._kind is Executor.PROCESS:
            prepare_server(queue.registry.modules)

    def submit(self, attempt: Attempt) -> None:
        """Start an attempt; its end is reported from whatever thread it ran in."""
        lease = attempt.lease
        if lease.function is None:
            self._slots.submit(self._command, attempt)
            return
        try:
            attempt.function = self._registry.get(lease.function)
        except UnknownFunctionError as error:
            if attempt.begin(Uncontrolled()):
                attempt.end(Failed(f"{error}. {error.hint}", retryable=False))
            return
        if lease.crashes >= ALONE_AFTER:
            self._slots.submit(self._process.alone, attempt)
        elif self._kind is Executor.PROCESS:
            self._slots.submit(self._process, attempt)
        elif self._kind is Executor.ASYNC and attempt.function.is_async:
            self._loop.submit(attempt)
        else:
            self._slots.submit(self._thread, attempt)

    @cached_property
    def _process(self) -> ProcessExecutor:
        return ProcessExecutor(self._database, self._clock, self._guard)

    @cached_property
    def _loop(self) -> AsyncExecutor:
        return AsyncExecutor(self._size, self._database, self._clock)

    def replace(self, attempt: Attempt) -> None:
        """Make room in the place of what was left behind with `attempt`."""
        if attempt.in_slot:
            self._slots.add_thread()
        else:
            self._loop.add_slot()

    def close(self) -> None:
        """End threads, children and loop; what was left behind ends with the process."""
        self._slots.close()
        if "_loop" in self.__dict__:
            self._loop.close()
        self._guard.close()
