"""What may still start, as far as limits go: counted from the rows, in the claim's transaction."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, literal_column, select

from jobrunner.core import lane as lanes
from jobrunner.core.limits import Limits, Rate
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.storage import keys, limits, queues, rates
from jobrunner.storage.rules import queues as rules
from jobrunner.storage.tables import tasks

_SLACK: Final = 1e-9
"""Of an offer: ten tasks that need 0.1 each fit into 1."""

_RUNNING: Final = (
    select(tasks.c.lane, tasks.c.worker_id == bindparam("worker"), func.count())
    .where(tasks.c.status == literal_column("'in_progress'"), tasks.c.lane.is_not(None))
    .group_by(tasks.c.lane, tasks.c.worker_id)
)


class Gate:
    """One limit, and what is left of it."""

    __slots__ = ("left", "name")

    def __init__(self, left: float, name: str | None = None) -> None:
        """`name` is that of a rate: whoever passes is noted under it."""
        self.left = left
        self.name = name


_SHUT: Final = Gate(0)


class Source(NamedTuple):
    """Where tasks wait that are under the same limits: a queue's plain tasks, or one lane of it."""

    queue: str
    lane: str | None
    gates: Sequence[tuple[Gate, float]]

    @property
    def room(self) -> float:
        """How many more of it may start."""
        return min((gate.left // amount for gate, amount in self.gates), default=math.inf)

    @property
    def is_rated(self) -> bool:
        """Whether it may start only so often: then its claim is its start, never ahead of it."""
        return any(gate.name for gate, _ in self.gates)

    def admit(self) -> bool:
        """Let one more start, if there is room."""
        if any(gate.left < amount for gate, amount in self.gates):
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
    ) -> None:
        """Count what runs in lanes.

        `offers` are all that this worker has of each resource; without, it has enough.
        """
        self._transaction = transaction
        self._now = now
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
            else {name: Gate(offer * (1 + _SLACK) - used[name]) for name, offer in offers.items()}
        )

    def sources(self, waiting: Iterable[tuple[str, str | None]]) -> list[Source]:
        """Make sources of queues, each with a lane or without; in the same order."""
        waiting = list(waiting)
        self._learn_queues({queue for queue, _ in waiting})
        self._learn_keys({lanes.decode(lane).key for _, lane in waiting})
        return [Source(queue, lane, self._gates_of(queue, lane)) for queue, lane in waiting]

    def _gates_of(self, queue: str, lane: str | None) -> Sequence[tuple[Gate, float]]:
        if queue in self._shut:
            return ((_SHUT, 1),)
        gates = self._gates.get(_of_queue(queue), ())
        if lane is None:
            return gates
        key, needs = lanes.decode(lane)
        mine = () if key is None else self._gates[_of_key(key)]
        if self._offers is None:
            return (*gates, *mine)
        return (*gates, *mine, *((self._offers.get(name, _SHUT), needs[name]) for name in needs))

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
        started = rates.started(self._transaction, limited, now=self._now)
        for name, one in new.items():
            gates = self._gates[name] = []
            if one.concurrency is not None:
                gates.append((Gate(one.concurrency - self._running[name]), 1))
            if one.rate is not None:
                number, first = started[name]
                self._first[name] = first or self._now
                gates.append((Gate(one.rate.number - number, name), 1))

    def note(self, started: Iterable[tuple[Source, TaskId]]) -> None:
        """Write down the starts of what may start only so often."""
        starts = (
            (gate.name, task_id)
            for source, task_id in started
            for gate, _ in source.gates
            if gate.name is not None
        )
        rates.note(self._transaction, starts, self._rates, now=self._now)

    @property
    def opens_at(self) -> datetime | None:
        """When the first of the rates that are spent lets somebody start again."""
        spent = (
            self._first[gate.name] + self._rates[gate.name].period
            for gates in self._gates.values()
            for gate, _ in gates
            if gate.name is not None and gate.left < 1
        )
        return min(spent, default=None)


def _of_queue(name: str) -> str:
    return f"queue:{name}"


def _of_key(name: str) -> str:
    return f"key:{name}"
