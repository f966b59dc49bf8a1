"""A worker among the others: its row, its lock, its heartbeat, from join to leave."""

import os
from collections.abc import Callable

from jobrunner.core.crew import Crew, Orders
from jobrunner.core.events import Emit
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.identity import boot_id, host, new_worker_id
from jobrunner.runtime.keepalive import Keepalive
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import Maintenance
from jobrunner.runtime.options import WorkerOptions
from jobrunner.storage import crews, workers
from jobrunner.storage.engine import Database


class Membership:
    """One start of a worker. It ends by `leave`, or by the others declaring it lost."""

    def __init__(
        self,
        database: Database,
        options: WorkerOptions,
        *,
        clock: Clock,
        emit: Emit,
        on_lost: Callable[[], None],
        on_orders: Callable[[Orders], None],
        before: Orders | None = None,
    ) -> None:
        """Take the lock, store the row, sweep once, and begin to beat.

        `before` is what this worker was told under its last id.
        """
        self._database = database
        self._clock = clock
        self._liveness = Liveness(database.lock_folder)
        self.id: WorkerId = new_worker_id()
        maintenance = Maintenance(
            database, self._liveness, clock=clock, emit=emit, lost_after=options.lost_after
        )
        self._liveness.hold(self.id)  # before the row is there: nobody is to look for it in vain
        try:
            database.reserve.keep()
            with database.writing() as transaction:
                crew = crews.settings(transaction, options.crew)
                info = self._info(options, crew, before)
                workers.register(transaction, info)
            maintenance.sweep()
        except BaseException:  # a worker that waits for its database tries this every half second
            self._release()
            raise
        on_orders(Orders(info.paused_at, info.wanted, info.stop_requested_at))
        self._keepalive = Keepalive(
            database,
            self.id,
            maintenance,
            clock=clock,
            emit=emit,
            heartbeat=options.heartbeat,
            lost_after=options.lost_after,
            on_lost=on_lost,
            on_orders=on_orders,
        )
        self._keepalive.start()

    def _info(self, options: WorkerOptions, crew: Crew, before: Orders | None) -> WorkerInfo:
        now = self._clock.now()
        # What was said to it alone holds on, unless its crew was told otherwise meanwhile.
        wanted = crew.concurrency or (before.wanted if before else None)
        paused_at = crew.paused_at or (before.paused_at if before else None)
        return WorkerInfo(
            id=self.id,
            host=host(),
            boot_id=boot_id(),
            pid=os.getpid(),
            executor=options.executor,
            concurrency=wanted or options.slots,
            queues=tuple(options.queues),
            status=WorkerStatus.RUNNING,
            beat=0,
            started_at=now,
            seen_at=now,
            stopped_at=None,
            error=None,
            offers=options.offers,
            crew=options.crew,
            paused_at=paused_at,
            wanted=wanted,
        )

    def stopping(self) -> None:
        """Tell the others that this worker claims no more."""
        with self._database.writing() as transaction:
            workers.set_stopping(transaction, self.id, now=self._clock.now())

    def resized(self, concurrency: int) -> None:
        """Tell the others with how many slots it works from now on."""
        with self._database.writing() as transaction:
            crews.set_concurrency(transaction, self.id, concurrency)

    def leave(self) -> None:
        """End in order."""
        try:
            self._keepalive.stop()
            with self._database.writing() as transaction:
                workers.set_stopped(transaction, self.id, now=self._clock.now())
        except BaseException:
            # Guarded by test_others_outlive_who_is_frozen_in_a_write_transaction.
            self._release(as_dead=True)
            raise
        self._release()

    def drop(self) -> None:
        """End after having been declared lost: the row says so already."""
        self._keepalive.stop()
        self._release()

    def _release(self, *, as_dead: bool = False) -> None:
        self._liveness.release(self.id, as_dead=as_dead)
