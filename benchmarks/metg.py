"""METG, the minimum effective task granularity: the shortest task that keeps half of the machine.

From Slaughter et al., Task Bench: A Parameterized Benchmark for Evaluating Parallel Runtime
Performance, SC20 (doi:10.5555/3433701.3433783): a system runs tasks of one duration, which is made
shorter until its efficiency falls to 50 %. Here

    efficiency = tasks x duration / (cores x wall time)

with independent tasks that are there at the start, as many slots as cores, and `duration` the time
that the work of one task takes where nothing else is to be done: measured just before the search,
on all cores at once. The clock starts when child processes are up: Dask's by a first round, those
of jobrunner with the first end. The paper plots efficiency over wall time x cores / tasks, what a
task takes with all overhead; where that is 50 % it is twice the duration, which is what we give.

The work of a function is one call of `hashlib.pbkdf2_hmac`: it computes, its length is linear in
its rounds of about half a microsecond, and it lets go of the GIL for the whole of it, so that
threads could be as efficient as processes. A command copies so many blocks from /dev/zero to
/dev/null by `dd`, for all systems alike; the start of its process counts as overhead.
"""

import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import sqrt

from benchmarks.contestant import Contestant
from benchmarks.peers import protocol
from benchmarks.sizes import Sizes
from benchmarks.stock import Filling, Stock
from benchmarks.workers import drain

HALF = 0.5
CORES = os.cpu_count() or 1
SAMPLE = 200_000
BLOCKS = 50_000
LEAST = 8 * CORES
MOST = 20_000
"""Tasks of one step of the search."""
COPY = ("dd", "if=/dev/zero", "of=/dev/null", "bs=64k", "status=none")
SHORTEST = {True: 50e-6, False: 1e-6}
LONGEST = 0.2
"""Seconds that the search is between; the shortest for commands, and for functions."""


def measure(one: Contestant, stock: Stock, size: Sizes) -> float:
    """The seconds of the shortest task at which a contestant is efficient.

    Raises:
        RuntimeError: it is not, however long a task is.
    """
    is_command = one.name.endswith("commands") or one.module == "xargs"
    unit = (block if is_command else burn_round)()

    def efficiency(duration: float) -> float:
        work = max(1, round(duration / unit))
        tasks = int(min(MOST, max(LEAST, CORES * size.granularity / duration)))
        best = 0.0
        for _ in range(size.tries):  # what else runs on the machine can only lower it
            rate = _rate(one, stock, size, tasks=tasks, work=work, is_command=is_command)
            best = max(best, rate * work * unit / CORES)
            if best >= HALF:
                break
        return best

    return shortest(efficiency, low=SHORTEST[is_command], high=LONGEST, within=size.within)


def shortest(
    efficiency: Callable[[float], float], *, low: float, high: float, within: float
) -> float:
    """The least duration of at least 50 % efficiency, which rises with it, by bisection.

    Halved on a scale of logarithms until the two ends are `within` a factor of each other.

    Raises:
        RuntimeError: it is less even at the longest.
    """
    if efficiency(high) < HALF:
        raise RuntimeError(f"less than 50 % efficient with tasks of {high} s")
    while high / low > within:
        middle = sqrt(low * high)
        if efficiency(middle) < HALF:
            low = middle
        else:
            high = middle
    return high


def _rate(
    one: Contestant, stock: Stock, size: Sizes, *, tasks: int, work: int, is_command: bool
) -> float:
    """Tasks a second."""
    if one.module == "dask":
        return tasks / float(one.ask("granularity", "", cores=CORES, count=tasks, rounds=work))
    if one.module == "xargs":
        copy = ["xargs", f"-P{CORES}", "-I{}", *COPY, "count={}"]
        began = time.perf_counter()
        subprocess.run(copy, input=f"{work}\n" * tasks, text=True, check=True)
        return tasks / (time.perf_counter() - began)
    settings = {**one.settings, "PEER_SLOTS": str(CORES)}
    tuned = replace(one, settings=settings, is_held=False)
    shape = "commands" if is_command else ""
    filling = Filling(tasks, start=f"{protocol.BURN}{work}", shape=shape)
    with stock.place(one, filling) as place:
        return drain(tuned, place, tasks, cap=size.patience).rate


def burn_round() -> float:
    """Seconds of one round of the work of a function."""
    return _on_all_cores(lambda _: protocol.burn(SAMPLE)) / SAMPLE


def block() -> float:
    """Seconds that one block of the work of a command takes."""

    def copied(blocks: int) -> float:
        return _on_all_cores(lambda _: subprocess.run([*COPY, f"count={blocks}"], check=True))

    return (copied(BLOCKS) - copied(1)) / BLOCKS


def _on_all_cores(work: Callable[[int], object]) -> float:
    """Seconds that a piece of work takes on each core while all are busy with the same."""
    with ThreadPoolExecutor(CORES) as threads:
        return protocol.timed(lambda: list(threads.map(work, range(CORES))))
