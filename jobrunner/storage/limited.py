"""Take tasks to run where limits are to be regarded: pauses, concurrency, rates, resources.

The way of `claim` knows nothing of them. Here what may start is counted from the rows first, and
then each queue and each lane offers its best, so that nothing is gone past that may not start.
"""

import heapq
import itertools
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Final, NamedTuple

from sqlalchemy import Connection, Text, bindparam, literal_column, select

from jobrunner.core.task import Lease, TaskId, Token, WorkerId
from jobrunner.storage import ageing, lanes, payloads
from jobrunner.storage.allowance import Allowance, Source
from jobrunner.storage.chunks import chunks
from jobrunner.storage.claim import taking
from jobrunner.storage.lanes import Candidate, Lane
from jobrunner.storage.tables import tasks

LANES_AT_MOST: Final = 1_024
"""Lanes that one claim looks at."""

LOOK_AGAIN: Final = timedelta(seconds=0.05)
"""After which a claim looks at the next lanes, where it found none of so many with room."""

FEW: Final = 16
"""Tasks that each lane is asked for, if there are as many to claim: the order is exact for them."""


class Wanted(NamedTuple):
    """How many tasks a claim is to find, of which queues (of all, if none is named).

    `free` may be any; `ahead` of their slots never one that has crashed, nor one of which only so
    many may start in a time. `aged` of all go to whoever waits longest. What is found is `locked`
    on a server, unless it is only looked at.
    """

    queues: Sequence[str]
    free: int
    ahead: int
    aged: int
    locked: bool = True

    @property
    def limit(self) -> int:
        """How many in all."""
        return self.free + self.ahead


class Circle:
    """Where the turns of the lanes go on: behind the one that was served last."""

    def __init__(self) -> None:
        """Begin with the first."""
        self.after = (lanes.NOWHERE, lanes.NOWHERE)
        self.is_closed = True
        """Whether the last claim has looked at every lane."""
        self._looked_at = 0

    def served(self, picked: Sequence[Candidate]) -> None:
        """Go on behind the last of these that was in a lane."""
        for one in reversed(picked):
            if one.source.lane is not None:
                self.after = (one.source.queue, one.source.lane)
                return

    def next_of(self, sources: Sequence[Source]) -> Sequence[Source]:
        """A few of many, others each time."""
        begin = self._looked_at % max(1, len(sources))
        self._looked_at += FEW
        return [*sources[begin:], *sources[:begin]][:FEW]


def claim(
    transaction: Connection,
    wanted: Wanted,
    allowance: Allowance,
    circle: Circle,
    *,
    worker_id: WorkerId,
    token: Token,
    now: datetime,
) -> list[Lease]:
    """Claim tasks as far as the limits allow, highest priority first."""
    picked = choose(transaction, wanted, allowance, circle)
    circle.served(picked)
    leases = _take(transaction, picked, worker_id=worker_id, token=token, now=now)
    sources = {one.task_id: one.source for one in picked}
    allowance.note((sources[lease.task_id], lease.task_id) for lease in leases)
    return leases


def choose(
    transaction: Connection, wanted: Wanted, allowance: Allowance, circle: Circle
) -> list[Candidate]:
    """What a claim takes, in its order: `why` asks the same.

    Of equal priority, lanes have turns: the first of each comes before the second of any. Plain
    tasks come in the order of their ids, and so do they and the lanes among each other.
    """
    plain = _plain(transaction, wanted, allowance)
    laned = _laned(transaction, wanted, allowance, circle)
    aged = _aged(transaction, plain, laned, circle, wanted) if wanted.aged else []
    asked = _asked(plain, wanted)
    # What may not be claimed ahead takes nobody's place there.
    most = wanted.limit + sum(number for one, number in asked if one.is_rated)
    in_turn = heapq.merge(
        sorted(lanes.offered(transaction, asked, limit=most, locked=wanted.locked), key=_in_order),
        _turns(transaction, laned, wanted),
        key=_in_order,
    )
    return _admitted(itertools.chain(aged, in_turn), wanted)


def _asked(
    sources: Iterable[Source], wanted: Wanted, share: float = math.inf
) -> list[tuple[Source, int]]:
    """How many tasks each source is asked for."""
    most = ((one, wanted.free if one.is_rated else wanted.limit) for one in sources)
    return [(one, int(min(one.room, limit, share))) for one, limit in most if limit]


def _plain(transaction: Connection, wanted: Wanted, allowance: Allowance) -> list[Source]:
    """The queues whose plain tasks may start."""
    names = wanted.queues or lanes.queues_with(transaction, laned=False)
    return [one for one in allowance.sources((name, None) for name in names) if one.room >= 1]


def _laned(
    transaction: Connection, wanted: Wanted, allowance: Allowance, circle: Circle
) -> list[tuple[Lane, Source]]:
    """The lanes whose tasks may start, as many as are worth looking at."""
    names = wanted.queues or lanes.queues_with(transaction, laned=True)
    names = [one.queue for one in allowance.sources((n, None) for n in names) if one.room >= 1]
    found: list[tuple[Lane, Source]] = []
    seen, circle.is_closed = 0, True
    for window in lanes.around(transaction, names, after=circle.after):
        sources = allowance.sources((lane.queue, lane.lane) for lane in window)
        found += [pair for pair in zip(window, sources, strict=True) if pair[1].room >= 1]
        seen += len(window)
        if seen >= LANES_AT_MOST or len(found) >= max(wanted.limit, lanes.WINDOW):
            circle.is_closed = False
            circle.after = (window[-1].queue, window[-1].lane)
            break
    return found


def _aged(
    transaction: Connection,
    plain: Sequence[Source],
    laned: Sequence[tuple[Lane, Source]],
    circle: Circle,
    wanted: Wanted,
) -> list[Candidate]:
    """Who waits longest, and those beside it, where they would not be served in turn.

    Known of each lane is its best task, and of one in turn, as of some queues, the whole.
    """
    waiting = [(lane.task_id, lane.priority, source) for lane, source in laned]
    for source in (*circle.next_of(plain), *(source for _, source in laned[:1])):
        waiting += [
            (task_id, priority, source)
            for task_id, priority in ageing.heads(transaction, source.queue, source.lane)
        ]
    if not waiting:
        return []
    _, priority, source = min(waiting, key=itemgetter(0))
    if priority == max(one[1] for one in waiting):
        return []
    asked = _asked([source], wanted, wanted.aged)
    found = lanes.offered(
        transaction, asked, limit=wanted.aged, priority=priority, locked=wanted.locked
    )
    return list(found)


def _turns(
    transaction: Connection, laned: Sequence[tuple[Lane, Source]], wanted: Wanted
) -> list[Candidate]:
    """The tasks of lanes by priority, then the first of each lane before the second of any."""
    places = sorted(range(len(laned)), key=lambda place: (-laned[place][0].priority, place))
    best: dict[tuple[str, str | None], int] = {
        laned[place][0][:2]: place for place in places[: wanted.limit]
    }
    share = wanted.limit if wanted.limit <= FEW else 1 + wanted.limit // max(1, len(best))
    asked = _asked((laned[place][1] for place in best.values()), wanted, share)
    ranked: list[tuple[int, int, int, Candidate]] = []
    place, turn = -1, 0
    for one in lanes.offered(transaction, asked, limit=wanted.limit, locked=wanted.locked):
        here = best[one.source[:2]]
        place, turn = here, turn + 1 if here == place else 1
        ranked.append((-one.priority, turn, place, one))
    return [one for *_, one in sorted(ranked)]  # no two have the same turn at the same place


def _in_order(one: Candidate) -> tuple[int, int]:
    return -one.priority, one.task_id


def _admitted(candidates: Iterable[Candidate], wanted: Wanted) -> list[Candidate]:
    """Those that the limits let start; each that does leaves less room to the others."""
    picked: dict[TaskId, Candidate] = {}
    for one in candidates:
        if len(picked) == wanted.limit:
            break
        if len(picked) >= wanted.free and (one.crashes or one.source.is_rated):
            continue
        if one.task_id not in picked and one.source.admit():
            picked[one.task_id] = one
    return list(picked.values())


_chosen: Final = (
    select(tasks.c.id, tasks.c.status)
    # Locked already. As a sum of words, so that a server goes by the ids: see `taking`.
    .where(
        tasks.c.id.in_(bindparam("ids", expanding=True)),
        tasks.c.status.concat(literal_column("''", Text)) == literal_column("'pending'"),
    )
    .cte("chosen")
    .prefix_with("MATERIALIZED")
)
_TAKE: Final = taking(_chosen)


def _take(
    transaction: Connection,
    picked: Sequence[Candidate],
    *,
    worker_id: WorkerId,
    token: Token,
    now: datetime,
) -> list[Lease]:
    found: dict[TaskId, Lease] = {}
    values = {"worker": worker_id, "new_token": token, "now": now}
    for ids in chunks([one.task_id for one in picked]):
        for row in transaction.execute(_TAKE, values | {"ids": ids}).all():
            found[row[0]] = Lease._make(row)
    leases = [found[one.task_id] for one in picked if one.task_id in found]
    return payloads.whole(transaction, leases)
