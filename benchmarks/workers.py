"""Workers of a contestant on a place, and what is measured of them.

The end of a task counts when a kill cannot undo it: workers are killed, then ends are counted.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from benchmarks.contestant import Contestant
from benchmarks.places import Place
from benchmarks.processes import busy, cpu, exact, resident, tree

LOOK = 0.005
"""Seconds between two looks whether all is done: what a drain may be taken too long by."""
FIRST = 20.0
"""Seconds within which the first task has to end of a contestant that cannot be held back."""
SHARE = 10
"""A look that takes long is followed by a pause of so many times that: it is to cost little."""

Process = subprocess.Popen[str]


@dataclass(frozen=True)
class Drain:
    """How fast tasks were worked off, and what it cost."""

    rate: float
    """Tasks a second."""
    seconds: float
    cpu_us: float
    """Microseconds of CPU a task, of workers and server."""
    others: float
    """The share of the machine that neither had."""


@contextmanager
def workers(contestant: Contestant, place: Place, processes: int = 1) -> Iterator[list[Process]]:
    """So many workers that are set up and wait for their go; they end by a kill."""
    with ExitStack() as stack:
        started: list[Process] = []
        for _ in range(processes):
            worker = stack.enter_context(contestant.start("work", place.url))
            stack.callback(kill, worker)
            started.append(worker)
        for worker in started:
            if said(worker) != "ready":
                raise RuntimeError(f"{contestant.name} does not start")
        yield started


def said(worker: Process) -> str:
    """The next line of a worker."""
    return worker.stdout.readline().strip() if worker.stdout else ""


def let_go(started: list[Process]) -> None:
    """Let them begin."""
    for worker in started:
        if worker.stdin:
            worker.stdin.write("go\n")
            worker.stdin.flush()


def kill(worker: Process) -> None:
    """End a worker and all that it has started, those that have left its group too."""
    for pid in [*tree(worker.pid)][::-1]:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        os.killpg(worker.pid, signal.SIGKILL)


def drain(
    contestant: Contestant, place: Place, tasks: int, *, cap: float, processes: int = 1
) -> Drain:
    """Let workers work until so many tasks have ended, or for `cap` seconds.

    Raises:
        RuntimeError: none ended, or one went wrong.
    """
    before = place.number(contestant.ended)
    wanted = before + tasks
    with workers(contestant, place, processes) as started:
        if not contestant.is_held:
            let_go(started)
            _watched(contestant, place, before + 1, FIRST)
            before = place.number(contestant.ended)
        spent, machine = used(started, place), busy()
        if contestant.is_held:
            let_go(started)
        took = _watched(contestant, place, wanted, cap)
        spent, machine = used(started, place) - spent, busy() - machine
    ended = place.number(contestant.ended) - before
    if not ended or (contestant.wrong and place.number(contestant.wrong)):
        raise RuntimeError(f"{ended:.0f} tasks ended in {took:.1f} s, some of them badly")
    others = max(0.0, machine - spent) / took / (os.cpu_count() or 1)
    return Drain(ended / took, took, spent / ended * 1e6, others)


def used(started: list[Process], place: Place) -> float:
    """Seconds of CPU of workers and server, with what descends from them."""
    return cpu({*(pid for worker in started for pid in tree(worker.pid)), *place.pids()})


def _watched(contestant: Contestant, place: Place, wanted: float, cap: float) -> float:
    """The seconds until so many had ended, or until the cap."""
    began = time.perf_counter()
    while True:
        asked = time.perf_counter()
        enough = place.number(contestant.ended) >= wanted
        now = time.perf_counter()
        if enough or now - began > cap:
            return now - began
        time.sleep(min(max(LOOK, SHARE * (now - asked)), max(LOOK, began + cap - now)))


def latencies(contestant: Contestant, place: Place, tasks: int) -> list[float]:
    """Milliseconds from each call that enqueues, in another process, to the start."""
    with workers(contestant, place) as (worker,):
        let_go([worker])
        contestant.ask("spaced", place.url, count=tasks)
        return [float(said(worker)) * 1e3 for _ in range(tasks)]


def idle(contestant: Contestant, place: Place, *, settle: float, seconds: float) -> float:
    """Seconds of CPU a minute of a worker that has nothing to do, `settle` seconds after its go."""
    with workers(contestant, place) as (worker,):
        let_go([worker])
        time.sleep(settle)
        before = exact(worker.pid)
        time.sleep(seconds)
        return (exact(worker.pid) - before) / seconds * 60


def memory(contestant: Contestant, place: Place, tasks: int, *, cap: float) -> list[float]:
    """MiB that a worker holds before its go, after a quarter of so many tasks and after all."""
    before = place.number(contestant.ended)
    with workers(contestant, place) as (worker,):
        held = [resident(worker.pid)]
        let_go([worker])
        for share in (0.25, 1):
            _watched(contestant, place, before + share * tasks, cap)
            held.append(resident(worker.pid))
    if place.number(contestant.ended) - before < tasks:
        raise RuntimeError(f"{contestant.name} was not done in {cap} s")
    return held
