"""What may still start, as far as limits go: counted from the rows, in the claim's transaction."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from jobrunner.core import lane as lanes
from jobrunner.core.limits import Limits, Rate
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.storage import keys, limits, queues, rates
from jobrunner.storage.clauses import IS_RUNNING
from jobrunner.storage.rules import queues as rules
from jobrunner.storage.tables import tasks

_SLACK: Final = 1e-9
"""Of an offer: ten tasks that need 0.1 each fit into 1."""

_RUNNING: Final = (
    select(tasks.c.lane, tasks.c.worker_id == bindparam("worker"), func.count())
    .where(IS_RUNNING, tasks.c.lane.is_not(None))
    .group_by(tasks.c.lane, tasks.c.worker_id)
)


class Kind(Enum):
    """What a gate keeps: a pause, a number at a time, a number in a period, or a resource."""

    PAUSE = "pause"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    OFFER = "offer"


class Gate:
    """One limit, and what is left of it."""

    __slots__ = ("kind", "left", "name")

    def __init__(self, kind: Kind, name: str, left: float) -> None:
        """`name` is that of its rule: whoever passes a rate is noted under it."""
        self.kind: Final = kind
        self.name: Final = name
        self.left = left

    @property
    def is_rate(self) -> bool:
        """Whether only so many may pass in a time."""
        return self.kind is Kind.RATE

    @property
    def is_concurrency(self) -> bool:
        """Whether only so many may be in at a time."""
        return self.kind is Kind.CONCURRENCY


class Source(NamedTuple):
    """Where tasks wait that are under the same limits: a queue's plain tasks, or one lane of it."""

    queue: str
    lane: str | None
    gates: Sequence[tuple[Gate, float]]
    is_rated: bool
    """Whether it may start only so often: then its claim is its start, never ahead of it."""

    @property
    def room(self) -> float:
        """How many more of it may start."""
        return min((gate.left // amount for gate, amount in self.gates), default=math.inf)

    @property
    def shut(self) -> list[Gate]:
        """The gates that let not even one more of it pass."""
        return [gate for gate, amount in self.gates if gate.left < amount]

    def admit(self) -> bool:
        """Let one more start, if there is room."""
        if self.shut:
            return False
        for gate, amount in self.gates:
            gate.left -= amount
        return True


class Allowance:
    """The limits of one claim. What is let start counts at once."""

    def __init__(
        self,
        transaction: Connection,
        *,
        worker_id: WorkerId,
        offers: Mapping[str, float] | None,
        now: datetime,
        only_looks: bool = False,
    ) -> None:
        """Count what runs in lanes.

        `offers` are all that this worker has of each resource; without, it has enough. Who
        `only_looks` writes nothing, not even what a clock that was set back makes necessary.
        """
        self._transaction = transaction
        self._now = now
        self._only_looks = only_looks
        self._rates: dict[str, Rate] = {}
        self._first: dict[str, datetime] = {}
        self._gates: dict[str, list[tuple[Gate, float]]] = {}
        self._rules = limits.read(transaction, rules)
        self._shut = set(queues.paused(transaction))
        self._running: Counter[str] = Counter()
        used: defaultdict[str, float] = defaultdict(float)
        for text, mine, number in transaction.execute(_RUNNING, {"worker": worker_id}).all():
            key, needs = lanes.decode(text)
            if key is not None:
                self._running[_of_key(key)] += number
            for name, amount in needs.items() if mine else ():
                used[name] += amount * number
        self._offers = (
            None
            if offers is None
            else {
                name: Gate(Kind.OFFER, name, offer * (1 + _SLACK) - used[name])
                for name, offer in offers.items()
            }
        )

    def sources(self, waiting: Iterable[tuple[str, str | None]]) -> list[Source]:
        """Make sources of queues, each with a lane or without; in the same order."""
        waiting = list(waiting)
        self._learn_queues({queue for queue, _ in waiting})
        self._learn_keys({lanes.decode(lane).key for _, lane in waiting})
        return [self._source(queue, lane) for queue, lane in waiting]

    def _source(self, queue: str, lane: str | None) -> Source:
        gates = self._gates_of(queue, lane)
        return Source(queue, lane, gates, is_rated=any(gate.is_rate for gate, _ in gates))

    def _gates_of(self, queue: str, lane: str | None) -> Sequence[tuple[Gate, float]]:
        if queue in self._shut:
            return ((Gate(Kind.PAUSE, queue, 0), 1),)
        gates = self._gates.get(_of_queue(queue), ())
        if lane is None:
            return gates
        key, needs = lanes.decode(lane)
        mine = () if key is None else self._gates[_of_key(key)]
        if self._offers is None:
            return (*gates, *mine)
        return (*gates, *mine, *((self._offered(name), needs[name]) for name in needs))

    def _offered(self, name: str) -> Gate:
        gate = self._offers.get(name) if self._offers else None
        return gate or Gate(Kind.OFFER, name, 0)

    def _learn_queues(self, names: AbstractSet[str]) -> None:
        new = {name: self._rules[name] for name in names & self._rules.keys() - self._shut}
        new = {name: one for name, one in new.items() if _of_queue(name) not in self._gates}
        limited = [name for name, one in new.items() if one.concurrency is not None]
        if limited:
            for name, number in queues.running(self._transaction, limited).items():
                self._running[_of_queue(name)] = number
        self._learn({_of_queue(name): one for name, one in new.items()})

    def _learn_keys(self, names: AbstractSet[str | None]) -> None:
        new = {name for name in names if name is not None and _of_key(name) not in self._gates}
        found = keys.limits_of(self._transaction, new)
        self._learn({_of_key(name): one for name, one in found.items()})

    def _learn(self, new: Mapping[str, Limits]) -> None:
        limited = {name: one.rate for name, one in new.items() if one.rate is not None}
        self._rates |= limited
        started = rates.started(
            self._transaction, limited, now=self._now, only_looks=self._only_looks
        )
        for name, one in new.items():
            gates = self._gates[name] = []
            if one.concurrency is not None:
                left = one.concurrency - self._running[name]
                gates.append((Gate(Kind.CONCURRENCY, name, left), 1))
            if one.rate is not None:
                number, first = started[name]
                self._first[name] = first or self._now
                gates.append((Gate(Kind.RATE, name, one.rate.number - number), 1))

    def note(self, started: Iterable[tuple[Source, TaskId]]) -> None:
        """Write down the starts of what may start only so often."""
        starts = (
            (gate.name, task_id)
            for source, task_id in started
            for gate, _ in source.gates
            if gate.is_rate
        )
        rates.note(self._transaction, starts, self._rates, now=self._now)

    @property
    def opens_at(self) -> datetime | None:
        """When the first of the rates that are spent lets somebody start again."""
        spent = (
            self._first[gate.name] + self._rates[gate.name].period
            for gates in self._gates.values()
            for gate, _ in gates
            if gate.is_rate and gate.left < 1
        )
        return min(spent, default=None)


OF_QUEUE: Final = "queue:"
OF_KEY: Final = "key:"
"""What the name of a rule begins with."""


def _of_queue(name: str) -> str:
    return f"{OF_QUEUE}{name}"


def _of_key(name: str) -> str:
    return f"{OF_KEY}{name}"
