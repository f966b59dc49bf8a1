"""One contestant on one database: what it is asked to do, and what its clock says."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median, quantiles

import psycopg

import jobrunner
from tools import bootstrap
from tools.postgres import Server

LOOK = 0.01
"""Seconds between two looks whether all is done: what a drain may be taken too long by."""
PATIENCE = 120.0
TRIES = 5
DISTURBED = 0.1
"""A drain is repeated when others had more of the machine than this; our own looks are 3 %."""
TICKS = os.sysconf("SC_CLK_TCK")

_numbers = count(1)


@dataclass(frozen=True)
class Contestant:
    """A system and how its tables tell what is done."""

    name: str
    is_done: str
    """A query that is true when the end of every task is committed."""
    completed: str
    """A query that counts the completed ones in the history."""
    backlog: int
    """How many tasks it drains: some seconds' worth at most."""
    chosen: str
    """The settings that were best for it in trial runs."""
    durability: str

    @property
    def version(self) -> str:
        """Which release it is."""
        if self.name == "jobrunner":
            return jobrunner.__version__
        pins = Path(f"benchmarks/peers/{self.name}.txt").read_text()
        return pins.partition(f"{self.name}==")[2].partition("\n")[0]

    @property
    def venv(self) -> Path:
        """Its environment, which is made once; jobrunner lives in that of the checkout."""
        return Path(".venv" if self.name == "jobrunner" else f".venv-bench-{self.name}")

    def prepare(self) -> None:
        """Make the environment, unless it is there with the same versions."""
        wanted = Path(f"benchmarks/peers/{self.name}.txt")
        stamp = self.venv / "installed"
        if not wanted.exists() or (stamp.exists() and stamp.read_text() == wanted.read_text()):
            return
        bootstrap.create(self.venv, "")
        pip = [str(self.venv / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        bootstrap.run([*pip, "--no-input", "--requirement", str(wanted)])
        stamp.write_text(wanted.read_text())

    def command(self, verb: str, url: str, number: int = 0) -> list[str]:
        """How it is asked to do something."""
        python = sys.executable if self.name == "jobrunner" else self.venv / "bin" / "python"
        return [str(python), "-m", "benchmarks.peers", self.name, verb, url, str(number)]

    def ask(self, verb: str, url: str, number: int = 0) -> str:
        """What it says when it has done that."""
        asked = self.command(verb, url, number)
        return subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout


@dataclass(frozen=True)
class Drain:
    """How fast a backlog was worked off, and what it cost."""

    rate: float
    client_us: float
    server_us: float
    others: float
    """The share of the machine that neither the workers nor the server had."""


class Arena:
    """A database of its own on the common server, for one measurement."""

    def __init__(self, contestant: Contestant, server: Server) -> None:
        """The contestant's tables are in place, and no one pays for another's checkpoint."""
        self._contestant = contestant
        self._name = f"arena_{next(_numbers)}"
        self._server = server
        with psycopg.connect(server.dsn(), autocommit=True) as root:
            root.execute(f"CREATE DATABASE {self._name}".encode())
            contestant.ask("install", self.url)
            root.execute("CHECKPOINT")

    @property
    def url(self) -> str:
        """Where it is."""
        return self._server.url(self._name)

    def bulk(self, tasks: int) -> float:
        """Tasks a second enqueued in one call."""
        return tasks / float(self._contestant.ask("bulk", self.url, tasks))

    def single(self, tasks: int) -> float:
        """Tasks a second enqueued one by one."""
        return tasks / float(self._contestant.ask("single", self.url, tasks))

    def latency(self, tasks: int) -> tuple[float, float]:
        """Milliseconds from the call that enqueues to the start on an idle worker: median, p99."""
        with self._workers(1) as (worker,):
            go(worker)
            self._contestant.ask("spaced", self.url, tasks)
            lags = [float(worker.stdout.readline()) * 1e3 for _ in range(tasks)]
        return median(lags), quantiles(lags, n=100)[98]

    def drain(self, processes: int) -> Drain:
        """Work off the backlog, from the first claim to the last end that is committed.

        Raises:
            RuntimeError: not all were completed.
        """
        tasks = self._contestant.backlog
        self.bulk(tasks)
        with psycopg.connect(self.url, autocommit=True) as eye, self._workers(processes) as workers:
            eye.execute("VACUUM ANALYZE")
            eye.execute("CHECKPOINT")
            ours = [worker.pid for worker in workers]
            theirs = list(self._server_pids())
            spent = cpu(ours), cpu(theirs), busy()
            began = time.perf_counter()
            for worker in workers:
                go(worker)
            while not self._asked(eye, self._contestant.is_done):
                if time.perf_counter() - began > PATIENCE:
                    raise RuntimeError(f"{self._contestant.name} was not done in {PATIENCE} s")
                time.sleep(LOOK)
            took = time.perf_counter() - began
            client = cpu(ours) - spent[0]
            server = cpu({*theirs, *self._server_pids()}) - spent[1]
            rest = busy() - spent[2] - client - server
            if self._asked(eye, self._contestant.completed) != tasks:
                raise RuntimeError(f"{self._contestant.name} has not completed all")
        others = rest / took / (os.cpu_count() or 1)
        return Drain(tasks / took, client / tasks * 1e6, server / tasks * 1e6, others)

    @staticmethod
    def _asked(eye: psycopg.Connection, query: str) -> object:
        row = eye.execute(query.encode()).fetchone()
        return row[0] if row else None

    def _server_pids(self) -> Iterator[int]:
        postmaster = int((self._server.data / "postmaster.pid").read_text().split()[0])
        yield postmaster
        for task in Path(f"/proc/{postmaster}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())

    @contextmanager
    def _workers(self, processes: int) -> Iterator[list[subprocess.Popen[str]]]:
        """So many workers that are set up and wait for their go; they end by a kill."""
        with ExitStack() as stack:
            workers = []
            for _ in range(processes):
                worker = stack.enter_context(
                    subprocess.Popen(
                        self._contestant.command("work", self.url),
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                stack.callback(worker.kill)
                workers.append(worker)
            for worker in workers:
                if worker.stdout.readline() != "ready\n":
                    raise RuntimeError(f"{self._contestant.name} did not start")
            yield workers


def go(worker: subprocess.Popen[str]) -> None:
    """Let a worker begin."""
    worker.stdin.write("go\n")
    worker.stdin.flush()


def drain(contestant: Contestant, server: Server, *, processes: int) -> Drain:
    """A drain that nothing else disturbed, or of five the one that was least disturbed."""
    tries: list[Drain] = []
    while len(tries) < TRIES and min((one.others for one in tries), default=1) > DISTURBED:
        tries.append(Arena(contestant, server).drain(processes))
    return min(tries, key=lambda one: one.others)


def busy() -> float:
    """Seconds of CPU that the whole machine has been busy."""
    fields = Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
    user, nice, system, _idle, _waiting, *interrupts = map(int, fields)
    return (user + nice + system + sum(interrupts)) / TICKS


def cpu(pids: "list[int] | set[int]") -> float:
    """Seconds of CPU that these processes have used, those that have ended left out."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS
