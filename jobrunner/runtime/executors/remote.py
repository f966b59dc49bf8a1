"""Run an order in this process: what a plug-in has its engine call, on whatever machine."""

import functools
import threading
from queue import SimpleQueue
from typing import Final

from jobrunner.core.errors import DatabaseError
from jobrunner.core.outcome import Ended, Failed, Outcome
from jobrunner.core.signals import StopReason
from jobrunner.runtime.attempt import ABANDON, KILL, NOTICE, Attempt, Step
from jobrunner.runtime.clock import SharedClock, SystemClock
from jobrunner.runtime.executors.base import run_to_end
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.executors.thread import ThreadExecutor
from jobrunner.runtime.perform import one_line
from jobrunner.storage.engine import Database

LET_GO_AFTER: Final = 0.5
"""Seconds after which a function that does not end when it is made to is let go."""

_STEPS: Final[list[Step]] = [(0.0, NOTICE), (1.0, KILL), (2.0, ABANDON)]
"""Each is taken when it is asked for: their seconds only number them."""

_running: dict[Order, Attempt] = {}


def run(order: Order) -> Outcome:
    """Run one attempt to its end, or until it is let go.

    Its progress and checkpoints go to the database at once, as long as its lease holds.
    """
    try:
        database = _database(order.location)
        executor = ThreadExecutor(database, SharedClock(database.server_time))
        function = order.function.load(order.location)
    except Exception as error:  # noqa: BLE001 — any import error of the application
        return Failed(f"the function cannot be run where its executor is: {one_line(error)}")
    ends: SimpleQueue[Ended] = SimpleQueue()
    attempt = Attempt(order.lease, clock=SystemClock(), on_end=lambda _, ended: ends.put(ended))
    attempt.function = function
    _running[order] = attempt
    # A thread of its own: what is raised into it must not come up in one of the engine's.
    body = functools.partial(run_to_end, executor, attempt)
    threading.Thread(target=body, name=order.key, daemon=True).start()
    try:
        return ends.get().outcome
    finally:
        del _running[order]


def stop(order: Order, reason: StopReason, *, force: bool) -> None:
    """Tell an attempt that runs in this process to end or, with `force`, make it end."""
    attempt = _running.get(order)
    if attempt is None:
        return
    attempt.stop(reason, _STEPS, now=0.0)
    if force:
        attempt.advance(1.0)
        last = threading.Timer(LET_GO_AFTER, attempt.advance, [2.0])
        last.daemon = True
        last.start()


@functools.cache
def _database(location: str) -> Database:
    """The database, opened once a process.

    Raises:
        DatabaseError: it is a file of another machine; one of that name is not made here.
    """
    database = Database(location)
    if database.path is not None and not database.path.exists():
        raise DatabaseError(f"{database.path} is not on this machine: use PostgreSQL")
    return database
