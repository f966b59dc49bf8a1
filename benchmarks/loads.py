"""What is measured: each load yields figures of one contestant, by the name of the measure."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median, quantiles

from benchmarks import metg, pages, sizes
from benchmarks.contestant import Contestant
from benchmarks.sizes import Sizes
from benchmarks.stock import Filling, Stock
from benchmarks.workers import Drain, drain, idle, latencies, memory

DISTURBED = 0.1
"""A drain is repeated when others had more of the machine than this; our own looks are 3 %."""

Figures = Iterator[tuple[str, float]]
Measure = Callable[[Contestant, Stock, Sizes], Figures]


@dataclass(frozen=True)
class Load:
    """A load, and whether all contestants may be under it at the same time."""

    name: str
    measure: Measure
    together: bool = False


def _drained(
    one: Contestant,
    stock: Stock,
    size: Sizes,
    filling: Filling,
    *,
    tasks: int = 0,
    processes: int = 1,
) -> Drain:
    """A drain of so many tasks, of all unless said, that the least of others disturbed."""
    tries: list[Drain] = []
    tasks = tasks or filling.count
    while len(tries) < size.tries and min((n.others for n in tries), default=1) > DISTURBED:
        with stock.place(one, filling) as place:
            tries.append(drain(one, place, tasks, cap=size.cap, processes=processes))
    return min(tries, key=lambda n: n.others)


def singles(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """Enqueue one by one, each durable on return."""
    for hands in (1, 8):
        with stock.place(one) as place:
            said = one.ask("single", place.url, hands=hands, seconds=size.single)
        yield sizes.single(hands), float(said)


def bulk(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """Enqueue many in the one call that is offered for it."""
    count = size.for_bulk(one)
    with stock.place(one) as place:
        yield sizes.bulk(size), count / float(one.ask("fill", place.url, count=count))


def drains(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """No-ops, from the first claim to the last end that is committed."""
    for processes in (1, 2):
        filling = Filling(size.for_drain(one))
        done = _drained(one, stock, size, filling, processes=processes)
        yield sizes.drained(processes), done.rate
        if processes == 1:
            yield "  CPU of worker and server, µs/task", done.cpu_us
            yield "  CPU of others meanwhile, % of the machine", done.others * 100


def executors(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """The same by the executors of jobrunner."""
    yield sizes.EXECUTORS, _drained(one, stock, size, Filling(size.for_drain(one))).rate


def latency(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """Ten tasks a second for a worker that is otherwise idle, in another process."""
    with stock.place(one) as place:
        lags = latencies(one, place, size.latencies)
    yield sizes.MEDIAN, median(lags)
    yield sizes.P99, quantiles(lags, n=100, method="inclusive")[98]


def backlog(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """The same number of tasks, with many more behind them, or with many that have ended."""
    count = size.for_drain(one)
    for left in size.backlogs:
        if left <= one.most:
            done = _drained(one, stock, size, Filling(count + left), tasks=count)
            yield sizes.against(left, "pending"), done.rate
    finished = size.backlogs[-1]
    if finished <= one.most:
        filling = Filling(count + size.backlogs[0], finished=finished)
        done = _drained(one, stock, size, filling, tasks=count)
        yield sizes.against(finished, "finished"), done.rate


def payloads(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """Arguments of several sizes."""
    for long, count in size.payloads:
        filling = Filling(min(count, size.for_drain(one)), length=long)
        yield sizes.payload(long), _drained(one, stock, size, filling).rate


def graphs(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """The same number of tasks without edges and with them, in one worker."""
    for shape, name in sizes.SHAPES.items():
        with stock.place(one, Filling(size.graph, shape=shape)) as place:
            done = drain(one, place, size.graph, cap=size.patience)
        yield sizes.graph(size, name), done.rate


def limits(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """The same number of no-ops without limits and with them, in one worker."""
    for shape, name in sizes.LIMITS.items():
        yield sizes.limited(name), _drained(one, stock, size, Filling(size.drain, shape=shape)).rate


def commands(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """Processes that end at once, two at a time."""
    if one.module == "xargs":
        began = time.perf_counter()
        subprocess.run(
            ["xargs", "-P2", "-n1", "true"],  # noqa: S607 - those on PATH
            input="x\n" * size.commands,
            text=True,
            check=True,
        )
        rate = size.commands / (time.perf_counter() - began)
        yield sizes.COMMANDS, rate
        yield sizes.COMMANDS_TWO, rate
        return
    for name, processes, slots in ((sizes.COMMANDS, 1, "2"), (sizes.COMMANDS_TWO, 2, "1")):
        two = replace(one, settings={"PEER_SLOTS": slots})
        with stock.place(one, Filling(size.commands, shape="commands")) as place:
            done = drain(two, place, size.commands, cap=size.patience, processes=processes)
        yield name, done.rate


def idles(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """A worker with nothing to do."""
    with stock.place(one) as place:
        yield sizes.IDLE, idle(one, place, settle=size.settle, seconds=size.idle)


def memories(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """What a worker holds before, during and after many tasks."""
    with stock.place(one, Filling(size.memory)) as place:
        held = memory(one, place, size.memory, cap=size.patience)
    for when, amount in zip(sizes.MEMORY, held, strict=True):
        yield sizes.memory(when), amount


def granularity(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """See `metg`."""
    yield sizes.GRANULARITY, metg.measure(one, stock, size) * 1e6


def looks(one: Contestant, stock: Stock, size: Sizes) -> Figures:
    """Pages that are open, see `pages`."""
    first, later = pages.overviews(one, stock, size)
    yield sizes.overview(size, "first"), first
    yield sizes.overview(size, "later"), later
    for number in sizes.PAGES:
        yield sizes.looked_at(number), pages.drained(one, stock, size, number).rate


LOADS = (
    Load("single", singles),
    Load("bulk", bulk),
    Load("drain", drains),
    Load("executors", executors),
    Load("latency", latency),
    Load("idle", idles, together=True),
    Load("backlog", backlog),
    Load("payload", payloads),
    Load("graph", graphs),
    Load("limits", limits),
    Load("commands", commands),
    Load("memory", memories),
    Load("metg", granularity),
    Load("pages", looks),
)
