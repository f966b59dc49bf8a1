"""Run functions in child processes, which can be killed and are recycled."""

import contextlib
import multiprocessing
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from jobrunner.core.errors import LeaseLostError
from jobrunner.core.outcome import Crashed, TimedOut
from jobrunner.core.signals import StopReason
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.executors import child, offspring
from jobrunner.runtime.executors.command import GroupControl, exit_text
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.executors.telling import Reported, Wrote
from jobrunner.runtime.executors.thread import DatabaseLink
from jobrunner.runtime.guard import Guard
from jobrunner.runtime.perform import one_line
from jobrunner.storage import telemetry
from jobrunner.storage.engine import Database

ENDS_WITHIN: Final = 1.0
"""Seconds that a child without a task has to end by itself."""

RECYCLE_AFTER: Final = 1_000
"""Tasks a child runs before a fresh one takes its place, unless said: leaks stay bounded."""


def prepare_server(modules: Sequence[str]) -> None:
    """Have the server that children are forked from import these modules once.

    It holds no connection and no thread, so that a fork of it is clean; no effect once it runs.
    """
    preload = ["__main__", "jobrunner.runtime.executors.child", *modules]
    multiprocessing.get_context("forkserver").set_forkserver_preload(preload)


class Child:
    """One child process and the pipe to it."""

    def __init__(self, guard: Guard, *, captures: bool = False) -> None:
        """Start it, and wait until it has a process group of its own."""
        guard.prepare()
        context = multiprocessing.get_context("forkserver")
        self.connection: Connection[Any, Any]
        self.connection, theirs = context.Pipe()
        how = {"captures": captures}
        self._process = context.Process(target=child.serve, args=(theirs,), kwargs=how, daemon=True)
        offspring.start(self._process)
        theirs.close()
        self.pid: int = self.connection.recv()
        self.runs = 0
        self.is_idle = True
        self.resident = 0
        """Bytes of memory that it had when it was last done with something."""
        self._sending = threading.Lock()
        self._guard = guard
        guard.add(self.pid)

    def send(self, message: object) -> None:
        """Send to the child, from any thread."""
        with self._sending:
            self.connection.send(message)

    def has_died(self) -> bool:
        """Whether it has ended while it had nothing to do, when it has nothing to say either."""
        return self.connection.poll()

    def wait(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        wait([self._process.sentinel], seconds)

    def close(self) -> int:
        """End the child and all it has started; returns its exit code."""
        self.connection.close()
        offspring.exit_code(self._process, within=1.0)
        GroupControl(self.pid).kill()
        exit_code = offspring.exit_code(self._process)
        self._guard.remove(self.pid)
        return exit_code or 0


class ChildControl(GroupControl):
    """A child is told through its pipe, then ended with its group."""

    def __init__(self, running: Child) -> None:
        """`running` is the child that runs the attempt."""
        super().__init__(running.pid)
        self._child = running

    def notice(self, reason: StopReason) -> None:
        """Tell the child; its context hands it on."""
        with contextlib.suppress(OSError):
            self._child.send(child.Stop(reason))


class ProcessExecutor:
    """Runs functions in children, one for each slot thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        guard: Guard,
        trouble: Callable[[str], None],
        *,
        captures: bool = False,
        most_tasks: int | None = None,
        most_memory: int | None = None,
    ) -> None:
        """`database` is where the children's progress goes, and what they write, if captured.

        A child is replaced after `most_tasks`, or once it has more than `most_memory` bytes.
        """
        self._captures = captures
        self._most_tasks = most_tasks or RECYCLE_AFTER
        self._most_memory = most_memory or sys.maxsize
        self._trouble = trouble
        self._database = database
        self._clock = clock
        self._guard = guard
        self._local = threading.local()
        self._children: set[Child] = set()

    def __call__(self, attempt: Attempt) -> None:
        """Run one attempt in this slot's child."""
        running = self._child()
        running.is_idle = False
        self._run(attempt, running)
        running.is_idle = True
        running.runs += 1
        if running.runs >= self._most_tasks or running.resident > self._most_memory:
            self._discard(running)

    def alone(self, attempt: Attempt) -> None:
        """Run one attempt in a child that nothing else uses."""
        running = Child(self._guard, captures=self._captures)
        self._run(attempt, running)
        self._discard(running)

    def leave(self) -> None:
        """End this slot's child: its thread ends."""
        running: Child | None = getattr(self._local, "child", None)
        if running is not None:
            self._discard(running)

    def close(self) -> None:
        """Have children end by themselves that have spans to hand over; all are killed soon."""
        idle = [one for one in tuple(self._children) if one.is_idle and telemetry.is_used()]
        for one in idle:
            with contextlib.suppress(OSError):
                one.send(None)
        for one in idle:
            one.wait(ENDS_WITHIN)

    def _child(self) -> Child:
        running: Child | None = getattr(self._local, "child", None)
        if running is not None and running.has_died():
            self._discard(running)
            running = None
        if running is None:
            running = self._local.child = Child(self._guard, captures=self._captures)
            self._children.add(running)
        return running

    def _discard(self, running: Child) -> int:
        if getattr(self._local, "child", None) is running:
            self._local.child = None
        self._children.discard(running)
        return running.close()

    def _run(self, attempt: Attempt, running: Child) -> None:
        function = attempt.function
        if function is None or not attempt.begin(ChildControl(running)):
            return
        order = Order(function.reference, self._database.location, attempt.lease)
        try:
            running.send(order)
            link = DatabaseLink(attempt, self._database, self._clock)
            outcome, measured = self._follow(running, link)
        except (EOFError, OSError):  # the child is gone
            exit_code = self._discard(running)
            crashed = Crashed(exit_text(exit_code))
            attempt.end(attempt.stopped() if attempt.forced else crashed)
            return
        attempt.usage, running.resident = measured
        attempt.end(attempt.stopped() if isinstance(outcome, TimedOut) else outcome)

    def _follow(self, running: Child, link: DatabaseLink) -> child.Done:
        """Serve the child's wishes until it is done."""
        while True:
            match message := running.connection.recv():
                case child.Save() | child.Load():
                    running.send(_answer(message, link))
                case Wrote(stream, text):
                    link.write(stream, text)
                case Reported(values):
                    link.later(values)
                case child.Trouble(problem):
                    self._trouble(problem)
                case _:
                    done: child.Done = message
                    return done


def _answer(wish: child.Save | child.Load, link: DatabaseLink) -> child.Answer:
    """What became of a wish; an error goes to the function that wished."""
    try:
        if isinstance(wish, child.Load):
            return child.Answer(text=link.load())
        link.save(wish.values)
    except LeaseLostError:
        return child.Answer(lost=True)
    except Exception as error:  # noqa: BLE001 — whatever it is, the child waits for an answer
        return child.Answer(problem=one_line(error))
    return child.Answer()
