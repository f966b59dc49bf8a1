"""Measure jobrunner beside SQLite's own limits and its peers: `make bench`.

Rounds alternate over the contestants, every figure is the median of the rounds, and a task counts
as done when no kill can undo its end. The whole run takes about half an hour on a quiet machine and
writes RESULTS.md.
"""

import argparse
import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg

from benchmarks import report
from benchmarks.contestant import Contestant
from benchmarks.contestants import CONTESTANTS
from benchmarks.goals import OWN, goals
from benchmarks.loads import LOADS, Load
from benchmarks.places import Folder, Ground, PostgresDatabase, Redis
from benchmarks.sizes import QUICK, Sizes
from benchmarks.stock import Stock
from tools.bootstrap import SetupError, say
from tools.postgres import PostgresError, running

SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "2GB", "wal_level": "replica"}
"""PostgreSQL as on a small server of one's own; fsync, synchronous_commit, autovacuum are on."""
DISK = Path("/var", "tmp")
"""Where places are made: the usual folder for what is short-lived may be memory, and sync free."""
FAILURES = (
    RuntimeError,
    OSError,
    ValueError,
    sqlite3.Error,
    psycopg.Error,
    subprocess.SubprocessError,
)
"""What one contestant may run into without an end to the whole."""


class Bench:
    """A run: who takes part, and what was found."""

    def __init__(self, size: Sizes, grounds: dict[str, Ground], missing: dict[str, str]) -> None:
        """`missing` tells what cannot be measured, and why."""
        self.size = size
        self.found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self.missing = missing
        self._stock = Stock(grounds)
        self._began = time.monotonic()

    def run(self, load: Load, contestants: Sequence[Contestant]) -> None:
        """All rounds of a load; who fails in one is out of the rest of it."""
        out: set[str] = set()
        try:
            for number in range(self.size.rounds):
                turn = number % max(1, len(contestants))
                order = [*contestants[turn:], *contestants[:turn]]
                with ThreadPoolExecutor(len(order) if load.together else 1) as threads:
                    results = threads.map(
                        lambda one: self._figures(load, one),
                        [n for n in order if n.name not in out],
                    )
                    out.update(name for name in results if name)
        finally:
            self._stock.clear()

    def _figures(self, load: Load, one: Contestant) -> str:
        """Measure one contestant; its name if that failed."""
        say(f"{time.monotonic() - self._began:5.0f} s  {load.name}: {one.name}")
        try:
            for measure, figure in load.measure(one, self._stock, self.size):
                self.found[measure, one.name].append(figure)
        except FAILURES as error:
            self.missing[f"{one.name}, {load.name}"] = f"{type(error).__name__}: {error}"
            return one.name
        return ""


def main() -> None:
    """Choose, prepare, run, tell."""
    options = arguments().parse_args()
    size = QUICK if options.quick else Sizes()
    size = replace(size, rounds=options.rounds or size.rounds)
    tempfile.tempdir = str(DISK) if DISK.is_dir() else None
    loads = [load for load in LOADS if not options.loads or load.name in options.loads]
    wanted = [one for one in CONTESTANTS if one.loads & {load.name for load in loads}]
    if options.only or options.ground:
        named = {OWN, *options.only}
        wanted = [one for one in wanted if one.name in named or one.ground in options.ground]
    with contextlib.ExitStack() as stack:
        missing: dict[str, str] = {}
        grounds = prepared(wanted, stack, missing)
        taking_part = [one for one in wanted if one.ground in grounds and one.name not in missing]
        bench = Bench(size, grounds, missing)
        load_before = os.getloadavg()[0]
        with contextlib.suppress(KeyboardInterrupt):  # what was found by then is told
            for load in loads:
                bench.run(load, [one for one in taking_part if load.name in one.loads])
        text = report.written(bench.found, taking_part, goals(size), missing, load_before, size)
    print(text)
    if options.output or not (options.quick or options.loads or options.only or options.ground):
        Path(options.output or "benchmarks/RESULTS.md").write_text(text)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    names = [load.name for load in LOADS]
    parser.add_argument("loads", nargs="*", metavar="LOAD", help=f"some of: {', '.join(names)}")
    parser.add_argument("--only", nargs="+", default=[], help="contestants beside jobrunner")
    parser.add_argument("--ground", nargs="+", default=[], help="those on file, postgres, redis")
    parser.add_argument("--quick", action="store_true", help="a smoke test with small numbers")
    parser.add_argument("--rounds", type=int, help="instead of three")
    parser.add_argument("--output", help="where to write; RESULTS.md if everything is measured")
    return parser


def prepared(
    wanted: Sequence[Contestant], stack: contextlib.ExitStack, missing: dict[str, str]
) -> dict[str, Ground]:
    """Environments and servers, for as long as the stack stands."""
    for one in wanted:
        try:
            one.prepare()
        except SetupError as error:
            missing[one.name] = str(error)
    needed = {one.ground for one in wanted}
    grounds: dict[str, Ground] = {"file": Folder, "none": Folder}
    if "redis" in needed and shutil.which("redis-server"):
        grounds["redis"] = Redis
    elif "redis" in needed:
        missing["rq, dramatiq"] = "there is no redis-server on PATH"
    if "postgres" in needed:
        try:
            server = stack.enter_context(running(durable=True, settings=SETTINGS))
            grounds["postgres"] = lambda: PostgresDatabase(server)
        except PostgresError as error:
            missing["PostgreSQL"] = str(error)
    return grounds


if __name__ == "__main__":
    main()
