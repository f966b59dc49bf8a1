"""Run somebody's tasks while their workers are killed, and examine what became of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core.events import ignore
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import FINAL
from jobrunner.core.task import TaskId
from jobrunner.runtime.scheduler import Scheduler
from jobrunner.testing.crash_check import Check
from jobrunner.testing.crash_examine import CrashReport, examine
from jobrunner.testing.crash_kills import RandomKills, raise_limit
from jobrunner.testing.crash_ledger import Ledger
from jobrunner.testing.crash_victims import Victims

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

KILLS: Final = "kills.log"

KILL_EVERY: Final = 0.5
"""Seconds between two kills from outside, on average."""

CHANCES: Final = (0.02, 0.5)
"""The least and the greatest chance of dying at a passing of the `settle` point."""

OTHER_CHANCE: Final = 0.05
"""The chance at any other point: most of them are passed at every start of a worker."""

SHUTDOWN_GRACE: Final = 2.0
"""Seconds that tasks get when the time is over."""

Progress = Callable[[int, int, int], None]
"""Told the kills so far, the tasks that have ended, and all tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashTest:
    """What is to be done to whom.

    `queue` must have nothing in it: see `TaskQueue.relocate`. `timeout` is in seconds; the same
    `seed` gives the same chances, though timing decides as well. While the test runs, the limit
    for poison pills is raised by the number of kills, so that none can fail an innocent task.
    """

    queue: "TaskQueue"
    folder: Path
    kills: int
    workers: int = 2
    concurrency: int = 4
    seed: int = 0
    timeout: float = 600.0
    check: Check | None = None
    progress: Progress = field(default=lambda _kills, _ended, _total: None)

    @property
    def ledger(self) -> Ledger:
        """The kills so far."""
        return Ledger(self.folder / KILLS, self.kills)

    def run(self, tasks: Sequence[NewTask[Any]]) -> CrashReport:
        """Enqueue, kill, let all end, examine.

        Raises:
            InvalidTaskError: a task cannot be stored.
            SchedulerError: the worker processes do not start.
            DatabaseError: the database cannot be used.
        """
        self.queue.emit = ignore
        started_at = self.queue.clock.monotonic()
        ids = self.queue.enqueue_ids(tasks)
        raise_limit(self.kills)  # here the scheduler rescues
        try:
            self._work(ids)
        finally:
            raise_limit(0)
        elapsed = self.queue.clock.monotonic() - started_at
        return examine(self.queue, ids, self.ledger.causes, elapsed_s=elapsed, check=self.check)

    def _work(self, ids: Sequence[TaskId]) -> None:
        plan = self._plan(len(ids))
        scheduler = Scheduler(
            Victims(self.queue, plan),
            workers=self.workers,
            concurrency=self.concurrency,
            shutdown_grace=SHUTDOWN_GRACE,
        )
        random = Random(self.seed)  # noqa: S311 — no secret
        with ThreadPoolExecutor(1) as beside:
            working = beside.submit(scheduler.run, until_empty=True, duration=self.timeout)
            try:
                while not wait([working], timeout=random.expovariate(1 / KILL_EVERY)).done:
                    plan.kill_one(self.queue, random)
                    self._tell()
            except BaseException:
                scheduler.stop()
                raise
            working.result()
        self._tell()

    def _plan(self, tasks: int) -> RandomKills:
        """Spread the kills over the work: a busy worker takes a turn for some tasks at once."""
        least, most = CHANCES
        share = min(most, max(least, self.kills * self.concurrency / max(tasks, 1)))
        return RandomKills(self.ledger, {"settle": share}, OTHER_CHANCE, self.seed, None)

    def _tell(self) -> None:
        counts = self.queue.counts()
        ended = sum(number for status, number in counts.items() if status in FINAL)
        self.progress(self.ledger.spent, ended, sum(counts.values()))
