"""A worker's claims where limits are in use: one after the other, each with its fair share."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from jobrunner.core.task import Lease, Token, WorkerId
from jobrunner.runtime.clock import Clock
from jobrunner.storage import limited
from jobrunner.storage.ageing import AGED_SHARE
from jobrunner.storage.allowance import Allowance
from jobrunner.storage.dialect import claim_one_by_one

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Ration(NamedTuple):
    """What was claimed, and when to look again for what only waits for its time."""

    leases: list[Lease]
    look_at: datetime | None


class Rationing:
    """Remembers whose turn is next, from one claim to the other."""

    def __init__(
        self, worker_id: WorkerId, offers: Mapping[str, float] | None, clock: Clock
    ) -> None:
        """`offers` are what the worker has of each resource; without, enough."""
        self._worker_id = worker_id
        self._offers = offers
        self._clock = clock
        self._circle = limited.Circle()
        self._since_aged = 0

    def claim(
        self,
        transaction: "Connection",
        token: Token,
        wants: Sequence[tuple[Sequence[str], int, int]],
    ) -> Ration:
        """Claim what is wanted of some queues each: for free slots, and ahead of them."""
        claim_one_by_one(transaction)
        # Not before the wait for the others: a start counts from here on.
        now = self._clock.now()
        allowance = Allowance(transaction, worker_id=self._worker_id, offers=self._offers, now=now)
        leases: list[Lease] = []
        for queues, free, ahead in wants:
            due = (self._since_aged + free + ahead) // AGED_SHARE
            found = limited.claim(
                transaction,
                limited.Wanted(queues, free, ahead, due),
                allowance,
                self._circle,
                worker_id=self._worker_id,
                token=token,
                now=now,
            )
            self._since_aged = (self._since_aged + len(found)) % AGED_SHARE
            leases += found
        return Ration(leases, self._look_at(allowance, now))

    def _look_at(self, allowance: Allowance, now: datetime) -> datetime | None:
        next_lanes = None if self._circle.is_closed else now + limited.LOOK_AGAIN
        moments = (allowance.opens_at, next_lanes)
        return min((moment for moment in moments if moment is not None), default=None)
