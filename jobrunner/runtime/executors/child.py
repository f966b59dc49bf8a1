"""A child process that runs functions for its worker, one at a time, told through a pipe."""

import contextlib
import os
import signal
import sys
from functools import cache, partial
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

from jobrunner.core.errors import DatabaseError, LeaseLostError
from jobrunner.core.outcome import Failed, Outcome
from jobrunner.core.signals import StopReason
from jobrunner.core.written import Stream
from jobrunner.runtime import capture
from jobrunner.runtime.clock import SharedClock, SystemClock
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.executors.telling import Teller
from jobrunner.runtime.perform import one_line, perform
from jobrunner.runtime.recall import through
from jobrunner.runtime.running import Running
from jobrunner.runtime.usage import Measured, Meter
from jobrunner.storage import telemetry
from jobrunner.storage.engine import Database
from jobrunner.storage.types import micros


class Stop(NamedTuple):
    """Worker to child: the attempt is to end."""

    reason: StopReason


class Save(NamedTuple):
    """Child to worker: store progress or a checkpoint."""

    values: dict[str, Any]


class Load(NamedTuple):
    """Child to worker: what is the last checkpoint."""


class Trouble(NamedTuple):
    """Child to worker: what went wrong in a hook, and is no end of the attempt."""

    problem: str


class Done(NamedTuple):
    """Child to worker: how the attempt has ended, and what it took."""

    outcome: Outcome
    measured: Measured


class Answer(NamedTuple):
    """Worker to child: the checkpoint's JSON text, or why the wish was not fulfilled."""

    text: str | None = None
    lost: bool = False
    problem: str = ""


class PipeLink:
    """An attempt's way to the database through its worker, who holds the lease."""

    def __init__(self, connection: "Connection[Any, Any]", order: Order) -> None:
        """`connection` leads to the worker."""
        self.task_id = order.lease.task_id
        self.attempt = order.lease.attempt
        self.lease = order.lease
        self._location = order.location
        self._began = _system.monotonic()
        self._connection = connection
        self.teller = Teller(connection, _system)
        self._stop: StopReason | None = None

    def save(self, values: dict[str, Any]) -> None:
        """Store progress or a checkpoint, if the lease still holds.

        Raises:
            LeaseLostError: it does not, and nothing was written.
        """
        self._ask(Save(values))

    def later(self, values: dict[str, Any]) -> None:
        """Have progress stored soon: the worker is told of it."""
        self.teller.report(values)

    def load(self) -> str | None:
        """The last checkpoint, JSON text."""
        return self._ask(Load()).text

    def write(self, stream: Stream, text: str) -> None:
        """Note what the code prints or logs: the worker is told of it, soon."""
        self.teller.write(stream, text)

    def stop_reason(self) -> StopReason | None:
        """Why the attempt is to end, if it is."""
        while self._connection.poll():
            self._note(self._connection.recv())
        return self._stop

    @property
    def database(self) -> Database:
        """The database, opened here: what is written with it needs no help of the worker."""
        return _opened(self._location)[0]

    @property
    def clock(self) -> SharedClock:
        """The database's."""
        return _opened(self._location)[1]

    def began_at(self) -> int:
        """When the attempt began, in microseconds since the epoch."""
        ran = _system.monotonic() - self._began
        return micros(self.clock.now()) - int(ran * 1e6)

    def shielded(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is raised into it from outside: a child is ended as a whole."""
        return contextlib.nullcontext()

    def _ask(self, wish: Save | Load) -> Answer:
        self.teller.send(wish)
        while isinstance(message := self._connection.recv(), Stop):
            self._note(message)
        answer: Answer = message
        if answer.lost:
            raise LeaseLostError(self.task_id)
        if answer.problem:
            raise DatabaseError(answer.problem)
        return answer

    def _note(self, message: Stop) -> None:
        self._stop = message.reason


_system: Final = SystemClock()


@cache
def _opened(location: str) -> tuple[Database, SharedClock]:
    database = Database(location)
    return database, SharedClock(database.server_time)


def serve(connection: "Connection[Any, Any]", *, captures: bool = False) -> None:
    """Run what the worker orders until the pipe closes; tell it what is written, if asked to."""
    os.setsid()  # a group of its own, so that all it starts can be ended with it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with contextlib.suppress(EOFError, OSError):
        connection.send(os.getpid())
        while (order := connection.recv()) is not None:
            if isinstance(order, Order):  # a Stop may arrive after the end of what it was for
                meter = Meter()
                outcome = _run(connection, order, captures=captures)
                with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
                    sys.stdout.flush()
                connection.send(Done(outcome, meter.read()))
    telemetry.flush()


def _run(connection: "Connection[Any, Any]", order: Order, *, captures: bool) -> Outcome:
    try:
        function = order.function.load(order.location)
    except Exception as error:  # noqa: BLE001 — any import error of the application
        return Failed(f"the function cannot be found in a child process: {one_line(error)}")
    link, lease = PipeLink(connection, order), order.lease
    running = Running(link, _system)
    run = partial(perform, function, lease.args, lease.kwargs, running)
    if captures:  # after the function was loaded: the application has set up its logging by now
        capture.note_all_for(running)
    if lease.extras is None:
        outcome = run()
    else:
        outcome = through(lease, function, link.database, run, shielded=link.shielded)
    for problem in running.troubles:
        link.teller.send(Trouble(problem))
    link.teller.end()
    return outcome
