"""Start a number of worker processes, see to it that they live, and sweep behind them."""

import contextlib
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any, Final

from jobrunner.core.errors import DatabaseError, JobrunnerError, LastingError
from jobrunner.core.events import WorkerTrouble
from jobrunner.core.report import Report
from jobrunner.core.task import WorkerId
from jobrunner.runtime.declared import store_declared
from jobrunner.runtime.executors import offspring
from jobrunner.runtime.executors.command import exit_text
from jobrunner.runtime.executors.process import prepare_server
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import SWEEP_EVERY, Maintenance
from jobrunner.runtime.options import Source, WorkerOptions
from jobrunner.runtime.statistics import statistics
from jobrunner.runtime.workplace import Place, work
from jobrunner.storage import workers

GIVE_UP_AFTER: Final = 10
"""Worker processes in a row that died before they began to work."""


class SchedulerError(JobrunnerError):
    """Worker processes cannot be started."""

    hint = (
        "Start one worker with `jobrunner work` to see why; in a script, run the scheduler "
        'under `if __name__ == "__main__":`.'
    )


def _nothing() -> None:
    """Set nothing up."""


class Scheduler:
    """Runs `workers` worker processes over one queue until all is done, or for a time.

    Whoever is free takes the next task. A worker that dies is replaced, its tasks are rescued
    at once; one that falls silent is declared lost, and overdue tasks are taken away.
    """

    def __init__(
        self,
        queue: Source,
        workers: int = 1,
        *,
        setup: Callable[[], None] = _nothing,
        **settings: Any,
    ) -> None:
        """`settings` are fields of `WorkerOptions`, the same for each worker; it does `capture`.

        `setup` is called first in each worker process; it must be importable there.

        Raises:
            ConfigurationError: an option has no meaning.
        """
        settings.setdefault("capture", True)
        self.options = WorkerOptions.of(**settings)
        self._queue = queue
        self._setup = setup
        self._size = max(1, workers)
        self._context = multiprocessing.get_context("forkserver")
        self._stop_asked = 0
        self._stop_sent = 0
        self._places: list[Place] = []
        self._stillborn = 0
        self.turned_at: float | None = None

    def run(
        self,
        *,
        until_empty: bool = False,
        duration: float | None = None,
        max_tasks: int | None = None,
    ) -> Report:
        """Work, and return the final statistics.

        `until_empty` ends when no task is left that could ever run, `duration` after so many
        seconds; `max_tasks` ends each worker after so many tasks.

        Raises:
            SchedulerError: the worker processes do not start.
            DatabaseError: the database cannot be opened.
        """
        limits = {"until_empty": until_empty, "duration": duration, "max_tasks": max_tasks}
        database = self._queue.database
        store_declared(self._queue)  # the queues of its workers know functions only
        prepare_server(self._queue.registry.modules)
        self._maintenance = Maintenance(
            database,
            Liveness(database.lock_folder),
            clock=self._queue.clock,
            emit=self._queue.emit,
            lost_after=self.options.lost_after,
        )
        self._end_at = None if duration is None else self._queue.clock.monotonic() + duration
        try:
            for _ in range(self._size):
                self._places.append(self._start(limits))
            while self._places:
                self._watch(limits)
        finally:
            for place in self._places:
                place.process.kill()
            self._sweep()
        return statistics(database, now=self._queue.clock.now())

    def stop(self) -> None:
        """Ask every worker for a graceful end; a second time, for an end at once.

        Only counts: it may be called from any thread and from a signal handler.
        """
        self._stop_asked += 1

    def _start(self, limits: dict[str, Any]) -> Place:
        hello, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=work,
            args=(self._queue, self.options, limits, theirs, self._setup),
            name="jobrunner-worker",
        )
        offspring.start(process)
        theirs.close()
        return Place(process, hello)

    def _watch(self, limits: dict[str, Any]) -> None:
        self.turned_at = self._queue.clock.monotonic()
        wait([place.process.sentinel for place in self._places], timeout=SWEEP_EVERY / 2)
        if self._stop_sent < self._stop_asked:
            self._stop_sent += 1  # one at a time: two signals at once may arrive as one
            for place in self._places:
                place.process.terminate()
        for place in tuple(self._places):
            exit_code = offspring.exit_code(place.process, within=0)
            if exit_code is None:
                continue
            self._places.remove(place)
            if self._has_died(place, exit_code) and not self._stop_asked:
                self._places.append(self._start(limits | {"duration": self._time_left()}))
        self._sweep()

    def _time_left(self) -> float | None:
        """What a worker that takes the place of another has of the whole duration."""
        if self._end_at is None:
            return None
        return max(0.0, self._end_at - self._queue.clock.monotonic())

    def _has_died(self, place: Place, exit_code: int) -> bool:
        """See to a process that has ended; `True` if that was before its work was done."""
        worker_id, damage = place.hear()
        if damage is not None:
            raise damage
        if exit_code == 0:
            return False
        self._stillborn = 0 if worker_id else self._stillborn + 1
        if self._stillborn >= GIVE_UP_AFTER:
            message = (
                f"{GIVE_UP_AFTER} worker processes died at their start, {exit_text(exit_code)}"
            )
            raise SchedulerError(message)
        if worker_id:
            self._bury(worker_id, f"its process died: {exit_text(exit_code)}")
        return True

    def _bury(self, worker_id: WorkerId, reason: str) -> None:
        with contextlib.suppress(DatabaseError):  # the sweeps find it without the reason
            with self._queue.database.reading() as transaction:
                found = workers.every(transaction, [worker_id])
            for worker in found:
                self._maintenance.bury(worker, reason)

    def _sweep(self) -> None:
        try:
            self._maintenance.sweep()
        except LastingError:
            raise
        except DatabaseError as error:
            self._queue.emit(WorkerTrouble(WorkerId("scheduler"), str(error)))
