"""The sweeps of one process: lost workers, overdue tasks, old rows."""

from datetime import datetime
from typing import Final

from jobrunner.core.events import DependentCancelled, Emit, TaskExpired, TaskRescued, WorkerLost
from jobrunner.core.task import Token, WorkerId
from jobrunner.core.worker import WorkerInfo
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.identity import backoff, boot_id
from jobrunner.runtime.liveness import Liveness
from jobrunner.storage import (
    access,
    acts,
    batches,
    cached,
    expiry,
    firing,
    prune,
    rates,
    sent,
    sweep,
    wal,
    workers,
)
from jobrunner.storage.agenda import look
from jobrunner.storage.engine import Database
from jobrunner.storage.settle import Settlement
from jobrunner.storage.sweep import Claimed

SWEEP_EVERY: Final = 0.5
"""Seconds between two sweeps, so that a killed worker's tasks are claimable within one."""

SERVER_SWEEP_EVERY: Final = 5.0
"""The same on a server, unless a worker of this host has died."""

LOOKS: Final = 6
"""How often a worker is looked at before it counts as lost, where there is time for that."""

FIRE_FOR: Final = 1.0
"""Seconds that ticks may take of a sweep, whose thread shows life in between; the next goes on."""

PRUNE_EVERY: Final = 60.0

OVERDUE_GRACE: Final = 30.0
"""Seconds past its timeout at which a task is taken away; its own worker should have."""


class Maintenance:
    """What any process sees to for all: whoever is alive does it, and twice does no harm."""

    def __init__(
        self,
        database: Database,
        liveness: Liveness,
        *,
        clock: Clock,
        emit: Emit,
        lost_after: float,
    ) -> None:
        """`lost_after` is how long a worker may show no life, in seconds."""
        self._database = database
        self._liveness = liveness
        self._clock = clock
        self._emit = emit
        self._lost_after = lost_after
        self._boot_id = boot_id()
        self._beats: dict[WorkerId, tuple[int, float]] = {}
        self._running: dict[tuple[int, Token], float] = {}
        often = SWEEP_EVERY if database.path else SERVER_SWEEP_EVERY
        self._every = max(SWEEP_EVERY, min(often, lost_after / LOOKS))
        self._stale: set[WorkerId] = set()
        self._swept_at = clock.monotonic()
        self._sweep_at = self._prune_at = self._swept_at

    def sweep(self) -> bool:
        """Look at everything, if it is time to. `True` says that something was rescued."""
        now = self._clock.monotonic()
        dead = self._liveness.dead()  # who dies from here on is seen by the next look
        if now < self._sweep_at and dead <= self._stale:
            return False
        # Sleeping or stopped ourselves, we saw nothing: that time says nothing about others.
        seen = min(now - self._swept_at, self._every + SWEEP_EVERY)
        self._swept_at = now
        self._sweep_at = now + self._every - SWEEP_EVERY / 2
        with self._database.reading() as transaction:
            living = workers.alive(transaction)
            timed = sweep.with_timeout(transaction)
            orphans = sweep.orphaned_by(transaction)
            agenda = look(transaction)
        rescued = [self.bury(worker, reason) for worker, reason in self._lost(living, seen)]
        rescued += [self._rescue(worker_id, "its worker has ended") for worker_id in orphans]
        rescued += [self._take(claimed) for claimed in self._overdue(timed, seen)]
        self._expire(agenda.next_expiry)
        self._fire(agenda.next_tick)
        self._prune(now)
        self._stale = dead
        return any(rescued)

    def _lost(self, living: list[WorkerInfo], seen: float) -> list[tuple[WorkerInfo, str]]:
        lost: list[tuple[WorkerInfo, str]] = []
        beats: dict[WorkerId, tuple[int, float]] = {}
        for worker in living:
            beat, still = self._beats.get(worker.id, (worker.beat, 0.0))
            still = still + seen if beat == worker.beat else 0.0
            beats[worker.id] = (worker.beat, still)
            if self._is_dead(worker):
                lost.append((worker, "its process has died"))
            elif still >= self._lost_after:
                lost.append((worker, f"it showed no life for {self._lost_after:g} s"))
        self._beats = beats
        return lost

    def _is_dead(self, worker: WorkerInfo) -> bool:
        return worker.boot_id == self._boot_id and self._liveness.is_dead(worker.id)

    def bury(self, worker: WorkerInfo, reason: str) -> bool:
        """Declare a worker lost and rescue its tasks; `False` if it lives or was buried before."""
        now = self._clock.now()
        with self._database.writing() as transaction:
            if not workers.declare_lost(
                transaction, worker.id, seen_beat=worker.beat, reason=reason, now=now
            ):
                return False
            settlement = sweep.rescue(
                transaction, worker.id, reason=reason, now=now, backoff=backoff
            )
        if self._is_dead(worker):
            self._liveness.forget(worker.id)
        self._emit(WorkerLost(worker.id, reason))
        self._tell(settlement, worker.id)
        return True

    def _rescue(self, worker_id: WorkerId, reason: str) -> bool:
        with self._database.writing() as transaction:
            settlement = sweep.rescue(
                transaction, worker_id, reason=reason, now=self._clock.now(), backoff=backoff
            )
        return self._tell(settlement, worker_id)

    def _overdue(self, timed: list[Claimed], seen: float) -> list[Claimed]:
        """Tasks that we ourselves have seen run past their timeout: no wall clock decides."""
        self._running = {
            (claimed.task_id, claimed.token): self._running.get(
                (claimed.task_id, claimed.token), -seen
            )
            + seen
            for claimed in timed
        }
        return [
            claimed
            for claimed in timed
            if self._running[claimed.task_id, claimed.token]
            >= claimed.timeout.total_seconds() + OVERDUE_GRACE
        ]

    def _take(self, claimed: Claimed) -> bool:
        with self._database.writing() as transaction:
            settlement = sweep.take_overdue(
                transaction, claimed, now=self._clock.now(), backoff=backoff
            )
        return self._tell(settlement, claimed.worker_id)

    def _fire(self, tick_at: datetime | None) -> None:
        """Fire what is due while no worker is free to do so with its claims."""
        end = self._clock.monotonic() + FIRE_FOR
        if tick_at is None or tick_at > self._clock.now() or not self._database.reserve.is_kept():
            return
        fired = 1
        while fired and self._clock.monotonic() < end:
            with self._database.writing() as transaction:
                fired = firing.fire(transaction, now=self._clock.now())

    def _tell(self, settlement: Settlement, worker_id: WorkerId) -> bool:
        for end, verdict in settlement.settled:
            self._emit(TaskRescued(end.lease.task_id, worker_id, verdict.status, verdict.error))
        for dependent, parent in settlement.cancelled_dependents:
            self._emit(DependentCancelled(dependent, parent))
        return bool(settlement.settled)

    def _expire(self, first: datetime | None) -> None:
        """End what was not started in time; workers do before they claim, if any claims."""
        present = self._clock.now()
        if first is None or first > present:
            return
        settlement = Settlement([], [], [])
        with self._database.writing() as transaction:
            expiry.expire(transaction, settlement, now=present)
        for task_id, error in settlement.expired:
            self._emit(TaskExpired(task_id, error))
        self._tell(settlement, WorkerId(""))

    def _prune(self, now: float) -> None:
        if now < self._prune_at:
            return
        self._prune_at = now + PRUNE_EVERY  # also where it fails
        with self._database.writing() as transaction:
            present = self._clock.now()
            more = prune.prune(transaction, now=present) >= prune.AT_ONCE
            more |= workers.prune(transaction, now=present) >= workers.PRUNE_AT_ONCE
            more |= sent.prune(transaction, now=present) >= sent.PRUNE_AT_ONCE
            more |= cached.prune(transaction, now=present) >= cached.PRUNE_AT_ONCE
            more |= access.prune(transaction, now=present) >= access.PRUNE_AT_ONCE
            more |= acts.prune(transaction, now=present) >= acts.PRUNE_AT_ONCE
            rates.forget(transaction, now=present)
            living = {worker.id for worker in workers.alive(transaction)}
        if more:
            self._prune_at = now + SWEEP_EVERY
        with self._database.reading() as transaction:
            forgotten = batches.forgotten(transaction, now=present)
        if forgotten:
            with self._database.writing() as transaction:
                batches.forget(transaction, forgotten)
        self._liveness.prune(living)
        wal.cut(self._database)
