"""Measure jobrunner on PostgreSQL beside procrastinate and pgqueuer: `make bench-postgres`.

All on one server with everything durable, in alternating rounds; every figure is a median, and
the ratios are what to look at. A task counts as done when its end is committed.
"""

import argparse
import contextlib
import os
import platform
from collections import defaultdict
from statistics import median

import psycopg

from benchmarks.contest import Arena, Contestant, drain
from tools.postgres import Server, running

SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "2GB", "wal_level": "replica"}
"""As on a small server of one's own; fsync, synchronous_commit and autovacuum are on."""

SINGLES = 2_000
BULK = 20_000
LATENCIES = 200

CONTESTANTS = (
    Contestant(
        "jobrunner",
        is_done="SELECT NOT EXISTS (SELECT FROM tasks WHERE status IN ('pending', 'in_progress'))",
        completed="SELECT count(*) FROM attempts WHERE outcome = 'completed'",
        backlog=20_000,
        chosen="8 threads",
        durability="ends share a commit with the next claims, fenced; a history row an attempt",
    ),
    Contestant(
        "procrastinate",
        is_done="SELECT NOT EXISTS (SELECT FROM procrastinate_jobs"
        " WHERE status IN ('todo', 'doing'))",
        completed="SELECT count(*) FROM procrastinate_events WHERE type = 'succeeded'",
        backlog=2_000,
        chosen="psycopg, async tasks, 30 at a time (1: -30 %; 4, 10, 100: the same)",
        durability="each claim and each end is a commit of its own; a history row a change",
    ),
    Contestant(
        "pgqueuer",
        is_done="SELECT NOT EXISTS (SELECT FROM pgqueuer)",
        completed="SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'",
        backlog=20_000,
        chosen="asyncpg, uvloop, async tasks, `pgq autovac`, batches of 500 (10: -65 %;"
        " 100: -15 %; 1,000: -5 %)",
        durability="logged tables (`durable`); ends wait up to 0.1 s in memory for a commit",
    ),
)

RATES = (
    "drain, 1 process, tasks/s",
    "drain, 2 processes, tasks/s",
    "enqueue one by one, tasks/s",
    f"enqueue {BULK:,} at once, tasks/s",
)
LAGS = ("enqueue to start when idle, median ms", "enqueue to start when idle, p99 ms")

Figures = dict[tuple[str, str], list[float]]
"""By the figure's name and the contestant's: a number from each round."""


def measure(contestants: list[Contestant], server: Server, found: Figures) -> None:
    """One round: the contestants take turns at each figure, each time on a database of its own."""
    for name, processes in zip(RATES, (1, 2), strict=False):
        for one in contestants:
            drained = drain(one, server, processes=processes)
            found[name, one.name].append(drained.rate)
            found[f"  CPU of workers, {processes}p, µs/task", one.name].append(drained.client_us)
            found[f"  CPU of the server, {processes}p, µs/task", one.name].append(drained.server_us)
            found[f"  CPU of others, {processes}p, %", one.name].append(drained.others * 100)
    for one in contestants:
        found[RATES[2], one.name].append(Arena(one, server).single(SINGLES))
    for one in contestants:
        found[RATES[3], one.name].append(Arena(one, server).bulk(BULK))
    for one in contestants:
        lags = Arena(one, server).latency(LATENCIES)
        for name, lag in zip(LAGS, lags, strict=True):
            found[name, one.name].append(lag)


def line(name: str, figures: list[float], own: float) -> str:
    """Median, least and most, and the median's ratio to jobrunner's."""
    digits = 0 if name in RATES else 1
    middle, least, most = (
        f"{n:,.{digits}f}" for n in (median(figures), min(figures), max(figures))
    )
    return f"{middle:>9} ({least}-{most})".ljust(29) + f"{median(figures) / own:6.2f} x"


def table(contestants: list[Contestant], found: Figures) -> None:
    """Print one line a figure, one column a contestant."""
    print(f"\n{'':38}" + "".join(f"{one.name} {one.version}".center(38) for one in contestants))
    for name in dict.fromkeys(name for name, _ in found):
        own = median(found[name, contestants[0].name])
        cells = (line(name, found[name, one.name], own) for one in contestants)
        print(f"{name:38}" + "  ".join(cells))
    for one in contestants:
        print(f"\n{one.name}: {one.chosen}\n  {one.durability}\n  drained {one.backlog:,} a time")


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="contestants; jobrunner is 1.00 x")
    options = parser.parse_args()
    contestants = [one for one in CONTESTANTS if not options.only or one.name in options.only]
    for one in contestants:
        one.prepare()
    load = os.getloadavg()[0]
    found: Figures = defaultdict(list)
    with running(durable=True, settings=SETTINGS) as server:
        with psycopg.connect(server.dsn()) as root:
            about = f"PostgreSQL {root.info.parameter_status('server_version')}"
        for number in range(options.rounds):
            turn = number % len(contestants)
            measure(contestants[turn:] + contestants[:turn], server, found)
    print(f"{about}, fsync and synchronous_commit on; {os.cpu_count()} cores, Python", end=" ")
    print(
        f"{platform.python_version()}; load before: {load:.1f}; medians of {options.rounds} rounds"
    )
    table(contestants, found)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
