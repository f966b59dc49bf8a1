"""Play the demonstration: workers do the job, and one of them is killed in the middle of it."""

import contextlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final, Protocol

from jobrunner.core.report import Report
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import Task, WorkerId
from jobrunner.demo.job import Job
from jobrunner.runtime.scheduler import Scheduler

LOOK_EVERY: Final = 0.1
"""Seconds between two looks at how far the job is."""

AT_MOST: Final = 100.0
"""Seconds after which the workers stop, done or not."""

KILL_AT: Final = 0.05
"""The share of the long task after which its worker is killed."""


class Talk(Protocol):
    """Tells people what goes on."""

    def say(self, line: str) -> None:
        """Tell one thing that has happened."""
        ...

    def progress(self, done: int, total: int, /) -> None:
        """Show how many tasks have ended."""
        ...


@dataclass(frozen=True, slots=True)
class Kill:
    """Which worker was killed, and how many steps its long task had stored by then."""

    worker_id: WorkerId
    pid: int
    step: int


class Play:
    """One performance. `kill` tells who was killed, once it has happened."""

    def __init__(self, job: Job, talk: Talk) -> None:
        """`talk` is told as it goes."""
        self.kill: Kill | None = None
        self._job = job
        self._talk = talk
        self._ended = 0
        self._has_recovered = False

    def run(self, *, workers: int, concurrency: int) -> Report:
        """Do the job with so many workers, to its end; returns their statistics.

        Raises:
            SchedulerError: the worker processes do not start.
        """
        scheduler = Scheduler(self._job.queue, workers=workers, concurrency=concurrency)
        with ThreadPoolExecutor(1) as beside:
            working = beside.submit(scheduler.run, until_empty=True, duration=AT_MOST)
            try:
                while not wait([working], timeout=LOOK_EVERY).done:
                    self._look()
            except BaseException:
                scheduler.stop()
                raise
            return working.result()

    def _look(self) -> None:
        counts = self._job.queue.counts()
        self._ended = sum(number for status, number in counts.items() if status in FINAL)
        self._talk.progress(self._ended, sum(counts.values()))
        if self.kill is None:
            self._kill_when_due()
        elif not self._has_recovered:
            self._watch_recovery(self.kill)

    def _kill_when_due(self) -> None:
        queue, job = self._job.queue, self._job
        task = queue.get(job.index)
        if task.status is not Status.IN_PROGRESS or _share(task) < KILL_AT:
            return
        if not all(queue.get(task_id).status in FINAL for task_id in (job.unsteady, job.doomed)):
            return  # what they show must not depend on whom the kill meets
        for worker in queue.workers():
            if worker.id == task.worker_id:
                self._kill(Kill(worker.id, worker.pid, _step(task)))

    def _kill(self, kill: Kill) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kill.pid, signal.SIGKILL)
            self.kill = kill
            steps = f"{kill.step} of {len(self._job.indexed)} steps into task {self._job.index}"
            self._talk.say(f"Killed worker {kill.worker_id} (process {kill.pid}) with SIGKILL,")
            self._talk.say(f"  {steps}, with {self._ended} of {len(self._job.ids)} tasks ended.")

    def _watch_recovery(self, kill: Kill) -> None:
        task = self._job.queue.get(self._job.index)
        if task.worker_id not in {None, kill.worker_id}:
            self._has_recovered = True
            self._talk.say(f"Worker {task.worker_id} goes on with task {task.id} where it stood.")


def _step(task: Task[Any]) -> int:
    return int(task.progress.done) if task.progress else 0


def _share(task: Task[Any]) -> float:
    progress = task.progress
    return progress.done / progress.total if progress and progress.total else 0.0
