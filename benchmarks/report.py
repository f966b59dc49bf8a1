"""The whole report: machine and versions, the table, who took part, what is missing."""

import datetime as dt
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import jobrunner
from benchmarks import table
from benchmarks.contestant import Contestant
from benchmarks.goals import Figures, Goal
from benchmarks.sizes import Sizes
from jobrunner.storage import sqlite
from tools import postgres


def written(
    found: Figures,
    taking_part: Sequence[Contestant],
    goals: Sequence[Goal],
    missing: Mapping[str, str],
    load: float,
    size: Sizes,
) -> str:
    """The report in Markdown. `load` is what the machine's load was before."""
    told = [(goal, goal.told(found)) for goal in goals]
    unmet = sum("NOT MET" in text for _, text in told)
    known = sum(bool(text) for _, text in told)
    parts = [
        ["# Side by side"],
        [*machine(load, size, {one.ground for one in taking_part})],
        [f"Goals measured: {known}, met: {known - unmet}."],
        [*table.lines(found, goals, [one.name for one in taking_part])],
        ["## Who took part"],
        [*table.contestants(taking_part)],
    ]
    if missing:
        parts += [["## Not measured"], [*table.missing(missing)]]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def machine(load: float, size: Sizes, grounds: set[str]) -> Iterable[str]:
    """What it was measured on, and how."""
    today = dt.datetime.now(tz=dt.UTC).date()
    yield f"- {today}, jobrunner {jobrunner.__version__}, Python {platform.python_version()},"
    yield f"  SQLite {sqlite.choose_driver().sqlite_version}{servers(grounds)}"
    yield f"- {os.cpu_count()} cores ({processor()}), {memory():.0f} GiB, {platform.system()}"
    yield f"  {platform.release()}; load before: {load:.1f}"
    yield f"- medians of {size.rounds} round{'s' * (size.rounds > 1)} that alternate over the"
    yield f"  contestants; drains of {size.drain:,} tasks or {size.cap:g} s; the ratios count"


def servers(grounds: set[str]) -> str:
    """The versions of the servers."""
    programs: list[str | None] = []
    if "postgres" in grounds:
        programs.append(str(postgres.find() / "postgres"))
    if "redis" in grounds:
        programs.append(shutil.which("redis-server"))
    said = (
        subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        for program in filter(None, programs)
    )
    return "".join(f", {text.partition(' sha=')[0].strip()}" for text in said)


def processor() -> str:
    """Its name, where the system tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory() -> float:
    """GiB of it."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
