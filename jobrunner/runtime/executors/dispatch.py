"""Send each attempt to where it belongs: a thread, a child, the loop, a plug-in, or a command."""

import contextlib
from collections.abc import Callable
from functools import cached_property

from jobrunner.core.errors import UnknownFunctionError
from jobrunner.core.outcome import Failed
from jobrunner.core.verdict import ALONE_AFTER
from jobrunner.runtime import builtin, capture
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.executors import plugin
from jobrunner.runtime.executors.aio import AsyncExecutor
from jobrunner.runtime.executors.base import Slots, Uncontrolled
from jobrunner.runtime.executors.command import CommandExecutor
from jobrunner.runtime.executors.handed import refusal
from jobrunner.runtime.executors.plugged import PluggedExecutor
from jobrunner.runtime.executors.process import ProcessExecutor, prepare_server
from jobrunner.runtime.executors.thread import ThreadExecutor
from jobrunner.runtime.guard import Guard
from jobrunner.runtime.options import Executor, Source, WorkerOptions
from jobrunner.runtime.outputs import Outputs
from jobrunner.runtime.registry import Function


class Executors:
    """Everything one worker runs attempts with; parts start when they are first needed."""

    def __init__(
        self,
        options: WorkerOptions,
        queue: Source,
        *,
        trouble: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        """`trouble` is told of plug-ins and hooks, `wake` called when a plug-in has room again."""
        self._options = options
        self._kind = options.executor
        self._registry = queue.registry
        self._database = queue.database
        self._clock = queue.clock
        self._size = options.slots
        self._captures = options.capture
        self._trouble = trouble
        self._slots = Slots(self._size, "jobrunner-slot", at_end=self._leave_slot)
        self._guard = Guard()
        self._thread = ThreadExecutor(queue.database, queue.clock, trouble)
        self._command = CommandExecutor(self._guard, queue.database)
        if self._kind == Executor.PROCESS:
            prepare_server(queue.registry.modules)
        self._plugged: PluggedExecutor | None = None
        if self._kind not in set(Executor):
            made = plugin.find(self._kind, options.executor_options)()
            location = queue.database.location
            self._plugged = PluggedExecutor(made, location, trouble=trouble, wake=wake)
        self._outputs = Outputs(queue.database, queue.clock)
        self._until_closed = contextlib.ExitStack()
        if self._captures:
            self._until_closed.enter_context(capture.installed())

    def room(self, at_most: int | None) -> int | None:
        """How many attempts may start now; `None` leaves it to the worker's slots."""
        return at_most if self._plugged is None else self._plugged.room(at_most)

    def submit(self, attempt: Attempt) -> None:
        """Start an attempt; its end is reported from whatever thread it ran in."""
        attempt.outputs, lease = self._outputs, attempt.lease
        if (refused := refusal(lease)) is not None:
            if attempt.begin(Uncontrolled()):
                attempt.end(refused)
            return
        if lease.function is None:
            self._slots.submit(self._command, attempt)
            return
        own = builtin.find(lease.function, self._database, self._clock)
        if own is None:
            self._submit_function(attempt, lease.function)
        else:  # it has no module of an application to travel by
            attempt.function = own
            self._slots.submit(self._thread, attempt)

    def _submit_function(self, attempt: Attempt, name: str) -> None:
        try:
            attempt.function = self._registry.get(name)
        except UnknownFunctionError as error:
            if attempt.begin(Uncontrolled()):
                attempt.end(Failed(f"{error}. {error.hint}", retryable=False))
            return
        self._place(attempt, attempt.function)

    def _place(self, attempt: Attempt, function: Function) -> None:
        if self._plugged is not None:
            self._plugged.submit(attempt)
        elif attempt.lease.crashes >= ALONE_AFTER:
            self._slots.submit(self._process.alone, attempt)
        elif self._kind == Executor.PROCESS:
            self._slots.submit(self._process, attempt)
        elif self._kind == Executor.ASYNC and function.is_async:
            self._loop.submit(attempt)
        else:
            self._slots.submit(self._thread, attempt)

    @cached_property
    def _process(self) -> ProcessExecutor:
        return ProcessExecutor(
            self._database,
            self._clock,
            self._guard,
            self._trouble,
            captures=self._captures,
            most_tasks=self._options.max_tasks_per_child,
            most_memory=self._options.max_memory_per_child,
        )

    @cached_property
    def _loop(self) -> AsyncExecutor:
        return AsyncExecutor(self._size, self._database, self._clock, self._trouble)

    def replace(self, attempt: Attempt) -> None:
        """Make room in the place of what was left behind with `attempt`."""
        if attempt.in_slot:
            self._slots.replace_thread()
        elif self._plugged is None:  # a plug-in knows by itself what still runs
            self._loop.add_slot()

    def resize(self, slots: int) -> None:
        """Run so many at a time from now on; what runs is not touched.

        An engine of a plug-in has limits of its own.
        """
        self._slots.resize(slots)
        if "_loop" in self.__dict__:
            self._loop.resize(slots)
        self._size = slots

    def _leave_slot(self) -> None:
        """A thread ends, as there are less slots: its child ends with it."""
        if "_process" in self.__dict__:
            self._process.leave()

    def close(self) -> None:
        """End threads, children and loop; what was left behind ends with the process."""
        self._until_closed.close()
        self._outputs.close()
        self._slots.close()
        if "_loop" in self.__dict__:
            self._loop.close()
        if self._plugged is not None:
            self._plugged.close()
        if "_process" in self.__dict__:
            self._process.close()
        self._guard.close()
