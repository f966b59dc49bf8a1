"""The one writer of a worker: outcomes and claims share transactions (group commit)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from jobrunner.core.errors import CommitUnknownError
from jobrunner.core.outcome import Ended
from jobrunner.core.task import Lease, Token, WorkerId
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.identity import backoff, new_token
from jobrunner.runtime.rationing import Rationing
from jobrunner.storage import expiry, notices, sweep, workers
from jobrunner.storage.ageing import AGED_SHARE, starving_priority
from jobrunner.storage.agenda import Agenda, look
from jobrunner.storage.claim import claim, claimed_with
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.doubt import already_settled
from jobrunner.storage.engine import Database
from jobrunner.storage.firing import fire
from jobrunner.storage.settle import Settlement, settle
from jobrunner.storage.watch import Watch

if TYPE_CHECKING:
    from sqlalchemy import Connection


NONE_STARVES_FOR: Final = 0.1
"""Seconds for which it is believed that the plain order serves the longest-waiting task."""


def _prepared(transaction: "Connection", now: datetime, settlement: Settlement) -> Agenda:
    """Do what is due; tells what will be, and what a claim has to regard."""
    agenda = look(transaction)
    acts = (
        (agenda.next_tick, partial(fire, transaction)),
        (agenda.next_expiry, partial(expiry.expire, transaction, settlement)),
        (agenda.next_due, partial(sweep.promote, transaction)),
    )
    due = [act for moment, act in acts if _is_due(moment, now)]
    for act in due:
        act(now=now)
    return look(transaction) if due else agenda


def _is_due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


@dataclass(frozen=True, slots=True)
class Turn:
    """What one transaction did. `next_due` is set where there was nothing more to claim."""

    settlement: Settlement
    leases: list[Lease]
    drained: bool
    next_due: datetime | None


class Want(NamedTuple):
    """How much to claim from some queues (from all, if none is named).

    `free` may be any task; `ahead` are claimed before their slot is free and must never have
    crashed, so that a poison pill cannot fail its neighbours.
    """

    queues: tuple[str, ...]
    free: int
    ahead: int = 0


class Settler:
    """Settles what has ended and claims what comes next, in a single transaction."""

    def __init__(
        self,
        database: Database,
        worker_id: WorkerId,
        clock: Clock,
        *,
        offers: Mapping[str, float] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Everything is written in the name of this worker; `offers` are its resources.

        Without, it has enough of each. `watch` tells it of the others: what it claims is no news.
        """
        self._watch = watch
        self._database = database
        self._worker_id = worker_id
        self._clock = clock
        self._since_aged = 0
        self._look_for_starving_at = 0.0
        self._doubtful: list[Token] = []
        self._rationing = Rationing(worker_id, offers, clock)

    @property
    def in_doubt(self) -> bool:
        """Whether a COMMIT raised and was not looked up yet."""
        return bool(self._doubtful)

    def turn(
        self,
        ended: Sequence[Ended],
        wants: Sequence[Want],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Turn:
        """Settle `ended`, then claim what is wanted.

        `meanwhile` is called in any case, and before the claim if there is one: that is where a
        server has much to do and this thread nothing.

        Raises:
            DatabaseError: nothing is known to be written; call again with the same `ended`.
        """
        token = new_token()
        try:
            # A turn that claims nothing has not seen what others did before it.
            with self._database.writing(watch=self._watch if wants else None) as transaction:
                recovered, ended = self._resolve_doubt(transaction, ended)
                now = self._clock.now()
                settlement = settle(
                    transaction, ended, worker_id=self._worker_id, now=now, backoff=backoff
                )
                leases, look_at, limited = recovered, None, False
                if wants and not recovered:
                    # What came to light fills the room that `wants` was made for.
                    agenda = _prepared(transaction, now, settlement)
                    leases, look_at = self._claim_all(
                        transaction, token, wants, agenda=agenda, now=now, meanwhile=meanwhile
                    )
                    limited = agenda.limits
                    if limited and len(leases) < len(settlement.settled):
                        notices.work(transaction)  # others have the room that is left
                wanted = sum(want.free + want.ahead for want in wants)
                # Where limits are, a claim does not look at all there is: there may be more
                # (guarded by test_free_slots_are_filled_though_the_first_in_line_share_a_limit).
                drained = not (recovered or (limited and leases)) and len(leases) < wanted
        except CommitUnknownError:
            # It may have worked all the same: the next turn looks, before it repeats.
            self._doubtful.append(token)
            raise
        finally:
            meanwhile()
        self._doubtful = []
        return Turn(settlement, leases, drained, look_at if drained else None)

    def _resolve_doubt(
        self, transaction: "Connection", ended: Sequence[Ended]
    ) -> tuple[list[Lease], Sequence[Ended]]:
        if not self._doubtful:
            return [], ended
        # On a server the COMMIT may still go on: it holds these locks until it is over.
        workers.lock(transaction, self._worker_id)
        lock_tasks(transaction, [end.lease.task_id for end in ended])
        known = already_settled(transaction, ended)
        left = [end for end in ended if (end.lease.task_id, end.lease.token) not in known]
        claimed = [
            lease
            for token in self._doubtful
            for lease in claimed_with(transaction, self._worker_id, token)
        ]
        return claimed, left

    def _claim_all(
        self,
        transaction: "Connection",
        token: Token,
        wants: Sequence[Want],
        *,
        agenda: Agenda,
        now: datetime,
        meanwhile: Callable[[], None],
    ) -> tuple[list[Lease], datetime | None]:
        """What was claimed, and when there may be more without anything being changed."""
        if agenda.limits:
            meanwhile()
            found, look_at = self._rationing.claim(transaction, token, wants)
            return found, min(filter(None, (agenda.next(), look_at)), default=None)
        leases: list[Lease] = []
        for want in wants:
            priority, free, ahead = self._starving(transaction, want)
            meanwhile()
            found = self._claim(transaction, token, now, want, limit=free, priority=priority)
            found += self._claim(transaction, token, now, want, limit=want.free - len(found))
            if len(found) == want.free:  # or nothing is left for ahead of the slots
                early = self._claim(
                    transaction, token, now, want, limit=ahead, priority=priority, ahead=True
                )
                limit = want.ahead - len(early)
                found += early
                found += self._claim(transaction, token, now, want, limit=limit, ahead=True)
            self._since_aged = (self._since_aged + len(found)) % AGED_SHARE
            leases += found
        return leases, agenda.next()

    def _starving(self, transaction: "Connection", want: Want) -> tuple[int | None, int, int]:
        """One claim in ten takes the longest-waiting task.

        Its priority, and how many are due for the free slots and ahead of them.
        """
        due = (self._since_aged + want.free + want.ahead) // AGED_SHARE
        if due == 0 or self._clock.monotonic() < self._look_for_starving_at:
            return None, 0, 0
        priority = starving_priority(transaction, queues=want.queues)
        if priority is None:
            self._look_for_starving_at = self._clock.monotonic() + NONE_STARVES_FOR
            return None, 0, 0
        return priority, min(due, want.free), max(0, due - want.free)

    def _claim(
        self,
        transaction: "Connection",
        token: Token,
        now: datetime,
        want: Want,
        *,
        limit: int,
        priority: int | None = None,
        ahead: bool = False,
    ) -> list[Lease]:
        if limit <= 0:
            return []
        return claim(
            transaction,
            worker_id=self._worker_id,
            token=token,
            limit=limit,
            now=now,
            queues=want.queues,
            priority=priority,
            never_crashed=ahead,
        )
