"""Run functions in the worker's own threads."""

import ctypes
import threading
from typing import Any

from jobrunner.core.errors import LeaseLostError
from jobrunner.core.outcome import Outcome, TimedOut
from jobrunner.core.signals import Stopped, StopReason
from jobrunner.core.task import Token
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.context import Running
from jobrunner.runtime.perform import perform
from jobrunner.storage import progress
from jobrunner.storage.engine import Database


class DatabaseLink:
    """An attempt's way to the database from the worker's own process."""

    def __init__(self, attempt: Attempt, database: Database, clock: Clock) -> None:
        """Everything is written under the attempt's own lease."""
        self.task_id = attempt.lease.task_id
        self.attempt = attempt.lease.attempt
        self._attempt = attempt
        self._database = database
        self._clock = clock

    def save(self, values: dict[str, Any]) -> None:
        """Store progress or a checkpoint, if the lease still holds.

        Raises:
            LeaseLostError: it does not, and nothing was written.
        """
        token: Token = self._attempt.lease.token
        with self._database.writing() as transaction:
            now = self._clock.now()
            held = progress.save(transaction, self._attempt.lease.task_id, token, now=now, **values)
        if not held:
            raise LeaseLostError(self.task_id)

    def load(self) -> str | None:
        """The last checkpoint, JSON text."""
        with self._database.reading() as transaction:
            return progress.checkpoint(transaction, self._attempt.lease.task_id)

    def stop_reason(self) -> StopReason | None:
        """Why the attempt is to end, if it is."""
        return self._attempt.stop_reason


class ThreadControl:
    """A thread is asked through its context, then raised into; it cannot be killed."""

    def __init__(self, thread_id: int) -> None:
        """`thread_id` is the identity of the thread that runs the attempt."""
        self._thread_id = thread_id

    def notice(self, reason: StopReason) -> None:
        """Nothing to do: the code asks its context."""

    def terminate(self) -> None:
        """Nothing to do: the code asks its context."""

    def kill(self) -> None:
        """Raise `Stopped` in the thread, at its next step of Python code."""
        target = ctypes.c_ulong(self._thread_id)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(Stopped))


class ThreadExecutor:
    """Runs functions in slot threads."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """`database` is where progress goes."""
        self._database = database
        self._clock = clock

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
        if attempt.function is None or not attempt.begin(ThreadControl(threading.get_ident())):
            return None
        lease = attempt.lease
        running = Running(DatabaseLink(attempt, self._database, self._clock), self._clock)
        outcome = perform(attempt.function, lease.args, lease.kwargs, running)
        return attempt.stopped() if isinstance(outcome, TimedOut) else outcome


def _let_pending_exceptions_out() -> None:
    """Give an exception raised into this thread its moment to come up here, not later."""
    for _ in range(2):
        pass
