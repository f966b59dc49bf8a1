"""The thread of a worker that never runs user code: shows life, sweeps, hears orders."""

import contextlib
import threading
from collections.abc import Callable

from jobrunner.core.crew import Orders
from jobrunner.core.errors import DatabaseError, DiskFullError, LastingError
from jobrunner.core.events import Emit, WorkerTrouble
from jobrunner.core.task import WorkerId
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.maintenance import SWEEP_EVERY, Maintenance
from jobrunner.storage import crews, wal, workers
from jobrunner.storage.engine import Database
from jobrunner.storage.gate import going_first


class Keepalive:
    """Beats for one worker. Tells it when it was declared lost, or must assume so."""

    def __init__(
        self,
        database: Database,
        worker_id: WorkerId,
        maintenance: Maintenance,
        *,
        clock: Clock,
        emit: Emit,
        heartbeat: float,
        lost_after: float,
        on_lost: Callable[[], None],
        on_orders: Callable[[Orders], None],
    ) -> None:
        """`heartbeat` and `lost_after` are seconds; the callbacks are called on this thread."""
        self._database = database
        self._worker_id = worker_id
        self._maintenance = maintenance
        self._clock = clock
        self._emit = emit
        self._heartbeat = heartbeat
        self._lost_after = lost_after
        self._on_lost = on_lost
        self._on_orders = on_orders
        self._beat_at = clock.monotonic()
        self._has_room = True
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobrunner-keepalive", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until the thread has."""
        self._end.set()
        self._thread.join()

    @going_first()
    def _loop(self) -> None:
        try:
            while not self._end.wait(SWEEP_EVERY):
                if not self._is_alive():
                    break
        finally:  # whatever ended this thread: a worker that shows no life must not go on
            if not self._end.is_set():
                self._on_lost()

    def _is_alive(self) -> bool:
        try:
            return self._once()
        except DatabaseError as error:
            self._emit(WorkerTrouble(self._worker_id, str(error)))
            if isinstance(error, LastingError):
                return False
            self._database.reserve.spend_on(error)
            return self._clock.monotonic() - self._beat_at < self._lost_after

    def _see_to_room(self) -> None:
        reserve, had_room = self._database.reserve, self._has_room
        if not reserve.keep():
            # What stands in the log may stand in the database already: that room is had at once.
            with contextlib.suppress(DiskFullError):
                wal.cut(self._database, limit=0)
        self._has_room = reserve.keep()
        if had_room and not self._has_room:
            self._emit(WorkerTrouble(self._worker_id, "the disk is full: it claims no new task"))

    def _once(self) -> bool:
        now = self._clock.monotonic()
        if now - self._beat_at >= self._heartbeat:
            with self._database.writing() as transaction:
                if not workers.beat(transaction, self._worker_id, now=self._clock.now()):
                    return False
            self._beat_at = now
        self._see_to_room()
        self._maintenance.sweep()
        with self._database.reading() as transaction:
            orders = crews.orders(transaction, self._worker_id)
        if orders is not None:
            self._on_orders(orders)
        return True
