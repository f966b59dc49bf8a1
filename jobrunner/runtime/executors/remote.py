"""Run an order in this process: what a plug-in has its engine call, on whatever machine."""

import contextlib
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
from jobrunner.storage import progress
from jobrunner.storage.engine import Database

LET_GO_AFTER: Final = 0.5
"""Seconds after which a function that does not end when it is made to is let go."""

WATCH_EVERY: Final = 5.0
"""Seconds between two looks at the leases of what runs here."""

_STEPS: Final[list[Step]] = [(0.0, NOTICE), (1.0, KILL), (2.0, ABANDON)]
"""Each is taken when it is asked for: their seconds only number them."""

_running: dict[Order, Attempt] = {}
_databases: dict[str, Database] = {}
_opening: Final = threading.Lock()
_stopping: Final = threading.Lock()  # an attempt takes its steps from one thread at a time


def run(order: Order) -> Outcome:
    """Run one attempt to its end, or until it is let go.

    Its progress and checkpoints go to the database at once, as long as its lease holds. An
    attempt whose lease is gone is not begun; one that loses it is made to end. So what was on
    its way when its worker died, or gave up waiting, does not run beside its own repetition.
    """
    ends: SimpleQueue[Ended] = SimpleQueue()
    attempt = Attempt(order.lease, clock=SystemClock(), on_end=lambda _, ended: ends.put(ended))
    _running[order] = attempt  # before what takes time, so that a stop finds it
    try:
        executor = _prepare(order, attempt)
        # A thread of its own: what is raised into it must not come up in one of the engine's.
        body = functools.partial(run_to_end, executor, attempt)
        threading.Thread(target=body, name=order.key, daemon=True).start()
        return ends.get().outcome
    except Exception as error:  # noqa: BLE001 — any import error of the application
        return Failed(f"the function cannot be run where its executor is: {one_line(error)}")
    finally:
        del _running[order]


def _prepare(order: Order, attempt: Attempt) -> ThreadExecutor:
    """Find the function, then see whether it may still begin: to import it may take long."""
    database = _database(order.location)
    attempt.function = order.function.load(order.location)
    _stop_lost(database, [order])
    return ThreadExecutor(database, SharedClock(database.server_time))


def stop(order: Order, reason: StopReason, *, force: bool) -> None:
    """Tell an attempt that runs in this process to end or, with `force`, make it end."""
    attempt = _running.get(order)
    if attempt is None:
        return
    with _stopping:
        attempt.stop(reason, _STEPS, now=0.0)
    if force:
        _advance(attempt, 1.0)
        last = threading.Timer(LET_GO_AFTER, _advance, [attempt, 2.0])
        last.daemon = True
        last.start()


def _advance(attempt: Attempt, now: float) -> None:
    with _stopping:
        attempt.advance(now)


def _database(location: str) -> Database:
    """The database, opened once a process, and a thread that watches the leases of what runs.

    Raises:
        DatabaseError: it is a file of another machine; one of that name is not made here.
    """
    with _opening:
        if location not in _databases:
            database = Database(location)
            if database.path is not None and not database.path.exists():
                raise DatabaseError(f"{database.path} is not on this machine: use PostgreSQL")
            watch = functools.partial(_watch, location, database)
            threading.Thread(target=watch, name="jobrunner-leases", daemon=True).start()
            _databases[location] = database
        return _databases[location]


def _watch(location: str, database: Database) -> None:
    """Look after the leases, for as long as the process lives."""
    pause = threading.Event()
    while not pause.wait(WATCH_EVERY):
        orders = [order for order in list(_running) if order.location == location]
        with contextlib.suppress(Exception):  # it will be seen at the next look
            _stop_lost(database, orders)


def _stop_lost(database: Database, orders: list[Order]) -> None:
    if not orders:
        return
    with database.reading() as transaction:
        lost = progress.lost(transaction, [order.lease for order in orders])
    for order in orders:
        if order.lease in lost:
            stop(order, StopReason.LOST, force=True)
