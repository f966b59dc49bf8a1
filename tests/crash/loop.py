"""The kill loop: start the victims, kill them, start them again, and let all end."""

import contextlib
import multiprocessing
import os
import random
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path

from jobrunner import Scheduler
from jobrunner.testing.crash_kills import OUTSIDE, RandomKills
from jobrunner.testing.crash_ledger import Ledger
from tests.crash import victims
from tests.crash.application import at

CAST = (victims.work, victims.schedule, victims.enqueue, victims.enqueue)
"""Who is on stage at any time: four workers in all, one scheduler, two enqueuers."""

CHANCES = {"settle": 0.25, "enqueue": 0.15, "progress": 0.1, "transaction": 0.1}
"""Of dying at a passing of these points."""

KILL_EVERY = 0.4
"""Seconds between two kills from outside, on average."""

PATIENCE = 60.0
"""Seconds that everything has to end in after the last kill."""


@dataclass
class Loop:
    """One run in an empty folder."""

    folder: Path
    kills: int
    seed: int
    killed: dict[str, int] = field(default_factory=dict)

    def __post_init__(self):
        self.queue = at(self.folder)
        self.ledger = Ledger(self.folder / "kills", self.kills)
        self.random = random.Random(self.seed)  # noqa: S311 — no secret
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["tests.crash.victims"])
        self.plan = RandomKills(self.ledger, CHANCES, 0.04, self.seed)

    def run(self):
        """Kill as often as was asked, then let all end in order."""
        assert self.queue.counts()  # the tables are there before anybody is killed
        stage = [(role, self.start(role)) for role in CAST]
        try:
            while not self.ledger.is_spent:
                if not wait([process.sentinel for _, process in stage], timeout=self.pause()):
                    self.strike(stage)
                stage = [(role, self.alive(role, process)) for role, process in stage]
        finally:
            self.end(stage)
        Scheduler(self.queue, workers=2, **victims.OPTIONS).run(until_empty=True, duration=PATIENCE)

    def start(self, role):
        process = self.context.Process(target=role, args=(str(self.folder), self.plan))
        process.start()
        return process

    def alive(self, role, process):
        """The process, or the one that takes its place after a kill; nothing else ends it."""
        if process.exitcode is None:
            return process
        assert process.exitcode == -signal.SIGKILL, f"{role.__name__}: {process.exitcode}"
        self.killed[role.__name__] = self.killed.get(role.__name__, 0) + 1
        return self.start(role)

    def pause(self):
        return self.random.expovariate(1 / KILL_EVERY)

    def strike(self, stage):
        """Kill one from outside: a worker, wherever it came from, or a scheduler or enqueuer."""
        (kind,) = self.random.choices((victims.work, victims.schedule, victims.enqueue), (6, 1, 2))
        if kind is victims.work:
            self.plan.kill_one(self.queue, self.random)
            return
        role, process = self.random.choice([pair for pair in stage if pair[0] is kind])
        if self.ledger.spend(f"{OUTSIDE}, {role.__name__}"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def end(self, stage):
        """Tell all to end; who does not is killed, and told."""
        (self.folder / victims.ENOUGH).touch()
        for role, process in stage:
            if role is not victims.enqueue:
                process.terminate()
        deadline = time.monotonic() + PATIENCE
        for role, process in stage:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()
                raise AssertionError(f"{role.__name__} does not end")
