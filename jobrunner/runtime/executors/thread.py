"""Run functions in the worker's own threads."""

import contextlib
import ctypes
import threading
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from jobrunner.core.errors import DatabaseError, LeaseLostError
from jobrunner.core.outcome import Outcome, TimedOut, Usage
from jobrunner.core.signals import Stopped, StopReason
from jobrunner.core.task import Lease, Token
from jobrunner.core.written import Stream
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.perform import perform
from jobrunner.runtime.recall import through
from jobrunner.runtime.running import Running
from jobrunner.runtime.usage import WORTH, thread_cpu_s
from jobrunner.storage import progress
from jobrunner.storage.engine import Database


class DatabaseLink:
    """An attempt's way to the database from the worker's own process."""

    __slots__ = ("_attempt", "_clock", "_database")

    def __init__(self, attempt: Attempt, database: Database, clock: Clock) -> None:
        """Everything is written under the attempt's own lease."""
        self._attempt = attempt
        self._database = database
        self._clock = clock

    @property
    def task_id(self) -> int:
        """The task."""
        return self._attempt.lease.task_id

    @property
    def attempt(self) -> int:
        """The number of the attempt."""
        return self._attempt.lease.attempt

    def save(self, values: dict[str, Any]) -> None:
        """Store progress or a checkpoint, if the lease still holds.

        Raises:
            LeaseLostError: it does not, and nothing was written.
        """
        try:
            self._save(values)
        except DatabaseError as error:
            if not self._database.reserve.spend_on(error):
                raise
            self._save(values)

    def _save(self, values: dict[str, Any]) -> None:
        self._attempt.later({})
        token: Token = self._attempt.lease.token
        with self._database.writing() as transaction:
            now = self._clock.now()
            held = progress.save(transaction, self._attempt.lease.task_id, token, now=now, **values)
        if not held:
            raise LeaseLostError(self.task_id)

    def later(self, values: dict[str, Any]) -> None:
        """Have progress stored soon, unless `save` is called first."""
        self._attempt.later(values)

    def load(self) -> str | None:
        """The last checkpoint, JSON text."""
        with self._database.reading() as transaction:
            return progress.checkpoint(transaction, self._attempt.lease.task_id)

    def write(self, stream: Stream, text: str) -> None:
        """Note what the code prints or logs."""
        self._attempt.write(stream, text)

    def stop_reason(self) -> StopReason | None:
        """Why the attempt is to end, if it is."""
        return self._attempt.stop_reason

    @property
    def lease(self) -> Lease:
        """The attempt's own."""
        return self._attempt.lease

    @property
    def database(self) -> Database:
        """The worker's."""
        return self._database

    @property
    def clock(self) -> Clock:
        """The worker's."""
        return self._clock

    def began_at(self) -> int:
        """When the attempt began, in microseconds since the epoch."""
        return self._attempt.began_at()

    def shielded(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is raised into it from outside anyway."""
        return contextlib.nullcontext()


class ThreadControl:
    """A thread is asked through its context, then raised into; it cannot be killed.

    Nothing is raised in the middle of a transaction of ours: a lock of the connection pool that
    is taken and never released would hang the whole worker
    (guarded by test_a_stop_never_breaks_into_a_transaction).
    """

    __slots__ = ("_killed", "_running", "_shield", "_thread_id")

    def __init__(self, thread_id: int, running: Running) -> None:
        """`thread_id` is the identity of the thread that runs the attempt."""
        self._thread_id = thread_id
        self._running = running
        self._shield = threading.Lock()
        self._killed = False

    def notice(self, reason: StopReason) -> None:
        """Nothing to do: the code asks its context."""

    def terminate(self) -> None:
        """Nothing to do: the code asks its context."""

    def kill(self) -> None:
        """Raise `Stopped` in the thread, at its next step of Python code."""
        self._killed = True
        if not self._shield.acquire(blocking=False):
            return  # it is in a transaction, and raises by itself as it leaves
        try:
            target = ctypes.c_ulong(self._thread_id)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(Stopped))
        finally:
            self._shield.release()
        if self._running.loop is not None:  # it may be waiting for events: then wake it
            with contextlib.suppress(RuntimeError):
                self._running.loop.call_soon_threadsafe(_nothing)

    @contextlib.contextmanager
    def shielded(self) -> Generator[None]:
        """Let nothing be raised in here."""
        with self._shield:
            _let_pending_exceptions_out()
            yield
        if self._killed:
            raise Stopped


class ThreadLink(DatabaseLink):
    """The link of a thread that may be raised into."""

    __slots__ = ("control",)

    control: ThreadControl

    def save(self, values: dict[str, Any]) -> None:
        """Store progress or a checkpoint, if the lease still holds."""
        with self.control.shielded():
            super().save(values)

    def load(self) -> str | None:
        """The last checkpoint, JSON text."""
        with self.control.shielded():
            return super().load()

    def shielded(self) -> contextlib.AbstractContextManager[None]:
        """Let nothing be raised in here."""
        return self.control.shielded()


class ThreadExecutor:
    """Runs functions in slot threads."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`database` is where progress goes; `trouble` is told what goes wrong in hooks."""
        self._database = database
        self._clock = clock
        self._trouble = trouble
        self._quick: set[str] = set()
        """Functions whose last run was over before it was worth to be measured."""

    def __call__(self, attempt: Attempt) -> None:
        """Run one attempt to its end in this thread."""
        try:
            outcome = self._run(attempt)
            if outcome is not None:
                attempt.end(outcome)
            _let_pending_exceptions_out()
        except Stopped:  # raised in between our own steps; the attempt's end may be unreported
            attempt.end(attempt.stopped())

    def _run(self, attempt: Attempt) -> Outcome | None:
        link = ThreadLink(attempt, self._database, self._clock)
        running = Running(link, self._clock)
        link.control = ThreadControl(threading.get_ident(), running)
        if attempt.function is None or not attempt.begin(link.control):
            return None
        lease, function = attempt.lease, attempt.function
        cpu_s = None if function.name in self._quick else thread_cpu_s()
        if lease.extras is None:
            outcome = perform(function, lease.args, lease.kwargs, running)
        else:
            run = partial(perform, function, lease.args, lease.kwargs, running)
            outcome = through(lease, function, self._database, run, shielded=link.shielded)
        for problem in running.troubles:
            self._trouble(problem)
        self._measure(attempt, function.name, cpu_s)
        return attempt.stopped() if isinstance(outcome, TimedOut) else outcome

    def _measure(self, attempt: Attempt, name: str, cpu_s: float | None) -> None:
        """Tell the CPU time since `cpu_s`, unless to ask would cost more than it is worth."""
        if self._clock.monotonic() - (attempt.began or 0.0) < WORTH:
            self._quick.add(name)
        elif cpu_s is None:
            self._quick.discard(name)
        else:
            attempt.usage = Usage(round(thread_cpu_s() - cpu_s, 6))


def _nothing() -> None:
    """Wake a loop, no more."""


def _let_pending_exceptions_out() -> None:
    """Give an exception raised into this thread its moment to come up here, not later."""
    for _ in range(2):
        pass
