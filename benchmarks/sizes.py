"""How much of everything: the real thing, and a smoke test."""

from dataclasses import dataclass

from benchmarks.contestant import Contestant


@dataclass(frozen=True)
class Sizes:
    """Numbers of tasks, and spans in seconds."""

    rounds: int = 3
    cap: float = 3.0
    """The longest that a drain is watched; what has ended by then gives the rate."""
    patience: float = 60.0
    """The same for what is to be seen to its end."""
    tries: int = 2
    """A drain that others on the machine disturbed is repeated up to so many times in all."""
    single: float = 1.0
    drain: int = 20_000
    bulk: int = 100_000
    latencies: int = 80
    backlogs: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    payloads: tuple[tuple[int, int], ...] = ((100, 20_000), (10_240, 20_000), (262_144, 400))
    """Bytes, and how many tasks of them."""
    graph: int = 10_000
    commands: int = 1_000
    settle: float = 5.0
    idle: float = 10.0
    memory: int = 100_000
    granularity: float = 1.0
    """What one step of the search for it would take with no overhead."""
    within: float = 1.15
    """The factor that the search narrows the granularity down to."""

    def for_drain(self, contestant: Contestant) -> int:
        """No more tasks than a contestant can work off before the cap."""
        return min(self.drain, int(contestant.pace * self.cap))

    def for_bulk(self, contestant: Contestant) -> int:
        """The same for what it enqueues at once."""
        return min(self.bulk, int(contestant.pace * self.cap))


QUICK = Sizes(
    rounds=1,
    cap=1.0,
    patience=20.0,
    tries=1,
    single=0.1,
    drain=1_000,
    bulk=2_000,
    latencies=10,
    backlogs=(100, 2_000, 4_000),
    payloads=((100, 500), (10_240, 500), (262_144, 20)),
    graph=500,
    commands=100,
    settle=1.0,
    idle=1.0,
    memory=4_000,
    granularity=0.05,
    within=2.0,
)


def single(hands: int) -> str:
    """The name of a measure; so the others."""
    return f"enqueued one by one, {hands} thread{'s' * (hands > 1)}, /s"


def bulk(sizes: Sizes) -> str:
    """Of the rate of one great call."""
    return f"enqueued {sizes.bulk:,} at once, /s"


def drained(processes: int) -> str:
    """Of the rate of a drain."""
    return f"drained, {processes} process{'es' * (processes > 1)}, /s"


def against(count: int, what: str) -> str:
    """Of the rate of a drain against so many pending or finished."""
    return f"drained against {count:,} {what}, /s"


def payload(size: int) -> str:
    """Of the rate of a drain of tasks with arguments of so many bytes."""
    return f"drained with {size:,} B of arguments, /s"


def graph(sizes: Sizes, shape: str) -> str:
    """Of the rate at which a graph is worked off."""
    return f"{sizes.graph:,} tasks, {shape}, /s"


def limited(limits: str) -> str:
    """Of the rate of a drain with these limits in use."""
    return f"drained with {limits}, /s"


SHAPES = {
    "": "independent",
    "chain": "a chain",
    "fan": "fan-out and fan-in",
    "layered": "layers of 100",
}
"""Graphs, as the contestant is asked for them and as they are called."""
LIMITS = {
    "": "no limits",
    "paused": "another queue paused",
    "queue": "a limit on the queue",
    "keys": "limits on 100 keys and the queue",
}
"""Limits that are in use, in the same way."""
COMMANDS = "commands (`true`), 1 worker with 2 slots, /s"
COMMANDS_TWO = "commands (`true`), 2 workers with 1 slot, /s"
MEDIAN = "enqueue to start when idle, median ms"
P99 = "enqueue to start when idle, p99 ms"
IDLE = "CPU of an idle worker, s/min"
MEMORY = ("at its start", "after a quarter", "at the end")


def memory(when: str) -> str:
    """Of what a worker holds."""
    return f"memory of a worker, {when}, MiB"


def overview(sizes: Sizes, when: str) -> str:
    """Of how long the overview takes."""
    return f"overview of {sizes.backlogs[-1]:,} tasks, {when} look, ms"


def looked_at(pages: int) -> str:
    """Of the rate of a drain while so many pages are open."""
    return f"drained beside a server with {pages} open pages, /s"


PAGES = (0, 50)
"""Of a browser, that look at the overview."""
GRANULARITY = "shortest task at 50 % efficiency (METG), µs"
EXECUTORS = "drained by the executor, /s"
