"""What can be seen of a queue: tasks, workers, counts, reports; nothing here changes anything."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Unpack

from jobrunner.core.filter import TaskFilter
from jobrunner.core.finding import Finding
from jobrunner.core.history import AttemptRecord
from jobrunner.core.report import Report
from jobrunner.core.status import Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import Task, TaskId
from jobrunner.core.worker import WorkerInfo
from jobrunner.core.written import Piece, Written
from jobrunner.runtime.checkup import examine
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.registry import Registry
from jobrunner.runtime.statistics import statistics, system_status
from jobrunner.runtime.waiting import follow, wait_until_ended
from jobrunner.storage import check, counting, output, reads, workers
from jobrunner.storage.store import Store


class Views:
    """The part of a queue that only looks."""

    store: Store
    clock: Clock
    registry: Registry

    def get(self, task_id: int) -> Task[Any]:
        """Read a task as it is now.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self.store.read(reads.get, task_id, source=self)

    def find(self, **wanted: Unpack[TaskFilter]) -> list[Task[Any]]:
        """The tasks that match, newest first, 50 unless `limit` says otherwise."""
        return self.store.read(reads.find, source=self, **wanted)

    def history(self, task_id: int) -> list[AttemptRecord]:
        """The attempts of a task that have ended, oldest first."""
        return self.store.read(reads.history, task_id)

    def written(
        self, task_id: int, *, run: int | None = None, stdout: int = 0, stderr: int = 0
    ) -> Written:
        """What an attempt has written: the newest one, which may run, or the one of a `run`.

        `stdout` and `stderr` are offsets in characters: only what stands behind them is told. Of
        one that runs it is a second or two old.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self.store.read(output.written, task_id, run=run, stdout=stdout, stderr=stderr)

    def follow(
        self,
        task_id: int,
        *,
        run: int | None = None,
        once: bool = False,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Iterator[Piece]:
        """What the attempts of a task write, as they write it, until the task has ended.

        It begins with the newest attempt, or with a `run`, and with `once` it ends with that.
        `on_wait` is called before each wait for more.

        Raises:
            TaskNotFoundError: there is no such task.
            DatabaseMovedError: its work goes on in another database.
        """

        def look(run: int | None, stdout: int, stderr: int) -> Written:
            return self.written(task_id, run=run, stdout=stdout, stderr=stderr)

        database = self.store.database
        return follow(database, look, clock=self.clock, run=run, once=once, on_wait=on_wait)

    def wait(
        self,
        tasks: Iterable[Task[Any] | int],
        *,
        timeout: float | None = None,
        on_open: Callable[[int], None] = lambda _: None,
    ) -> list[Task[Any]]:
        """Wait until tasks have ended; returns them as they are then. `timeout` in seconds.

        `on_open` is told how many are still open, whenever the database has changed.

        Raises:
            WaitTimeoutError: some did not end in time.
            TaskNotFoundError: there is no such task.
            DatabaseMovedError: their work goes on in another database.
        """
        ids = [task.id if isinstance(task, Task) else TaskId(task) for task in tasks]
        database = self.store.database
        wait_until_ended(database, ids, clock=self.clock, timeout=timeout, on_open=on_open)
        found = {task.id: task for task in self.store.read(reads.get_many, ids, source=self)}
        return [found[task_id] for task_id in ids]

    def counts(self) -> dict[Status, int]:
        """How many tasks have which status."""
        return self.store.read(counting.counts)

    def status(self, *, running: int = 20) -> SystemStatus:
        """What is going on now: at most so many `running` tasks, workers, counts, waits."""
        return self.store.read(system_status, source=self, running=running)

    def workers(self) -> list[WorkerInfo]:
        """All workers there have been, oldest first."""
        return self.store.read(workers.every)

    def report(self, *, since: timedelta | datetime | None = None) -> Report:
        """Task completion and worker efficiency, of late or since a moment if one is given."""
        return statistics(self.store.database, now=self.clock.now(), since=since)

    def check(self) -> list[str]:
        """What is wrong with the database, a sentence each; nothing for a sound one."""
        with self.store.reading() as transaction:
            return list(check.problems(transaction))

    def examine(self) -> list[Finding]:
        """All that may be wrong, from the library to the clock; makes and changes nothing."""
        return examine(self.store.unopened, registry=self.registry, clock=self.clock)
