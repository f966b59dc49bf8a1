"""Whether workers live, tasks have somebody to run them, and the clock can be believed."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from jobrunner.core.errors import UnknownFunctionError
from jobrunner.core.finding import Finding, counted, listed, ok, problem, warning
from jobrunner.core.hook import RESERVED
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime.identity import boot_id
from jobrunner.runtime.liveness import Liveness
from jobrunner.storage import holders
from jobrunner.storage.kernel import Process
from jobrunner.storage.stuck import Stuck

SILENT_AFTER_S: Final = 30.0
BACK: Final = timedelta(minutes=1)
"""How far ahead the newest stored moment may lie: clocks of several machines differ a little."""

OLDEST_YEAR: Final = 2026
"""Before the first release there was no jobrunner."""


class Vital(NamedTuple):
    """A worker whose row says that it runs, and what can be seen of it from here.

    `silent_s` is for people: it compares the clocks of two machines.
    """

    worker: WorkerInfo
    is_dead: bool
    process: Process | None
    silent_s: float

    @property
    def is_stopped(self) -> bool:
        """Whether its process was stopped."""
        return self.process is not None and self.process.is_stopped

    @property
    def is_well(self) -> bool:
        """Whether it is there, as far as can be seen."""
        return not self.is_dead and not self.is_stopped and self.silent_s <= SILENT_AFTER_S


def vitals(folder: Path, living: Sequence[WorkerInfo], now: datetime) -> list[Vital]:
    """Look for the workers that should be alive: at their lock files, where they are of this boot.

    `folder` is the one of those files.
    """
    here = boot_id()
    found: list[Vital] = []
    for worker in living:
        is_dead, process = False, None
        if worker.boot_id == here:
            is_dead = Liveness(folder).is_dead(worker.id)
            process = next(iter(holders.holding(folder / worker.id)), None)
        silent_s = (now - worker.seen_at).total_seconds()
        found.append(Vital(worker, is_dead, process, silent_s))
    return found


def judge_workers(found: Sequence[Vital], stuck: Stuck) -> Iterator[Finding]:
    """Whether each worker lives, and no task is left with one that does not."""
    name = "workers"
    well = [one for one in found if one.is_well]
    dead = [one.worker.id for one in found if one.is_dead]
    yield from _stranded(found, stuck, anybody_well=bool(well))
    for one in found:
        who = f"worker {one.worker.id}"
        if one.is_stopped and one.process is not None:
            hint = f"Continue it with `kill -CONT {one.process.pid}`, or end it."
            yield problem(name, f"{who}, {one.process}, is stopped", hint)
        elif not one.is_dead and not one.is_well:
            says = f"{who} on {one.worker.host} has shown no life for {one.silent_s:,.0f} s"
            yield warning(name, says, "See whether its process still runs; its log may say more.")
    if dead:
        says = f"{listed(list(dead))} died without a word"
        yield warning(name, says, "Whichever worker runs next clears up after it.")
    if all(one.is_well for one in found):
        yield ok(name, f"{counted(len(well), 'worker')} alive" if well else "none is running")


def _stranded(found: Sequence[Vital], stuck: Stuck, *, anybody_well: bool) -> Iterator[Finding]:
    living = {one.worker.id for one in found if not one.is_dead}
    stranded = {who: number for who, number in stuck.in_progress.items() if who not in living}
    if not stranded:
        return
    tasks = counted(sum(stranded.values()), "task")
    says = f"{tasks} in progress at a worker that is gone: {listed(list(stranded))}"
    if anybody_well:
        hint = "The others rescue them within a second; if this stays, look at their log."
        yield warning("workers", says, hint)
    else:
        yield problem("workers", says, "Start a worker, `jobrunner work`: it runs them again.")


def judge_queues(found: Sequence[Vital], stuck: Stuck) -> Iterator[Finding]:
    """Whether somebody serves each queue that holds pending tasks."""
    name = "queues"
    serving = [
        one.worker for one in found if one.is_well and one.worker.status is WorkerStatus.RUNNING
    ]
    pending = sum(stuck.pending.values())
    if pending and not serving:
        says = f"{counted(pending, 'task')} pending, and no worker is running"
        yield warning(name, says, "Start one: `jobrunner work`.")
        return
    served = {queue for worker in serving for queue in worker.queues}
    everywhere = any(not worker.queues for worker in serving)
    left = {} if everywhere else {q: n for q, n in stuck.pending.items() if q not in served}
    for queue, number in sorted(left.items()):
        says = f"{counted(number, 'task')} pending in queue {queue!r}, which no worker serves"
        yield warning(name, says, f"Start one: `jobrunner work --queue {shlex.quote(queue)}`.")
    if not left:
        yield ok(name, f"{counted(pending, 'task')} pending")


def judge_functions(known: Sequence[str], stuck: Stuck) -> Iterator[Finding]:
    """Whether the application has all the functions that waiting tasks name."""
    name = "functions"
    if not known:
        if stuck.functions:
            yield ok(name, "not looked at: name the application with -A")
        return
    unknown = {
        which: n
        for which, n in stuck.functions.items()
        if which not in known and not which.startswith(RESERVED)
    }
    for which, number in sorted(unknown.items()):
        says = f"{counted(number, 'task')} waiting for {which!r}, which is not registered here"
        yield problem(name, says, UnknownFunctionError(which, known).hint)
    if not unknown:
        yield ok(name, f"{len(known)} registered, and no task waits for another")


def judge_clock(now: datetime, newest: datetime | None) -> Finding:
    """Whether the wall clock agrees with what was stored before."""
    name, hint = "clock", "Set the clock, as by NTP: delays and `run_at` follow it."
    if now.year < OLDEST_YEAR:
        return problem(name, f"it says {now:%Y-%m-%d}", hint)
    if newest is None:
        return ok(name, f"it says {now:%Y-%m-%d %H:%M:%S} UTC")
    ago = now - newest
    if -ago > BACK:
        behind = timedelta(seconds=round(-ago.total_seconds()))
        return problem(name, f"it went back by {behind}: something was stored later than now", hint)
    return ok(name, f"the newest moment stored is {max(0, round(ago.total_seconds())):,} s ago")
