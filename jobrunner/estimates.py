"""`queue.estimates`: how long runs take, what is left of them, and when all will have ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from jobrunner.core import fields
from jobrunner.core.estimate import Estimate, Kind, Runs, kinds_of, of_left, of_progress, of_runs
from jobrunner.core.forecast import Forecast
from jobrunner.core.open_work import OpenWork
from jobrunner.core.simulate import MOST_WORKERS, simulate, start_of
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId, TaskSource
from jobrunner.runtime.clock import Clock
from jobrunner.storage import durations, outlook, reads
from jobrunner.storage.store import Store

ENDED: Final = Estimate(basis="it has ended")
RUNS: Final = Estimate(low_s=0.0, likely_s=0.0, high_s=0.0, basis="it runs")


class Estimated(TaskSource, Protocol):
    """What is estimated: a queue."""

    store: Store
    clock: Clock


class Estimates:
    """Looks ahead by what recorded runs took; with fewer than five runs it says no number.

    Each call reads a bounded amount: the newest 20,000 attempts, and 10,000 open tasks.
    """

    def __init__(self, queue: Estimated) -> None:
        """`queue` is the one whose tasks are meant."""
        self._queue = queue

    def run(self, name: str) -> Estimate:
        """How long a run takes of a function, or of commands of that description or first word."""
        kinds = (Kind("function", name), Kind("description", name), Kind("command", name))
        return of_runs(kinds, self._queue.store.read(durations.runs, kinds))

    def left(self, task: Task[Any] | int) -> Estimate:
        """How long a task still runs, by its progress or else by recorded runs.

        Of one that waits it is how long it will run, once it does.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        found = task if isinstance(task, Task) else self._queue.get(task)
        return self.of_each([found])[0]

    def start(self, task: Task[Any] | int) -> Estimate:
        """How long it is until a task that waits starts, in the slots that workers have now.

        All that is open is run through as workers would claim it. 0 of one that runs.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        task_id = TaskId(task.id if isinstance(task, Task) else task)
        with self._queue.store.reading() as transaction:
            status = reads.get(transaction, task_id, source=self._queue).status
            if status.is_final:
                return ENDED
            if status is Status.IN_PROGRESS:
                return RUNS
            work = self._work(transaction, task_id, None)
            runs = durations.runs(transaction, work.kinds)
        return start_of(task_id, work, runs)

    def of_each(self, tasks: Sequence[Task[Any]]) -> list[Estimate]:
        """The same of several tasks, read at once."""
        now = self._queue.clock.now()
        kinds = {task.id: _kinds(task) for task in tasks if not task.status.is_final}
        resumed = [task.id for task in tasks if task.attempt > 1 and task.progress is not None]
        with self._queue.store.reading() as transaction:
            runs = durations.runs(transaction, {one for some in kinds.values() for one in some})
            earlier = durations.before(transaction, resumed)
        return [
            _of(task, kinds[task.id], runs, now, earlier.get(task.id, 0.0))
            if task.id in kinds
            else ENDED
            for task in tasks
        ]

    def end(
        self,
        task_id: int | None = None,
        *,
        batch_id: int | None = None,
        workers: int | None = None,
    ) -> Forecast:
        """When all will have ended that a task hangs together with, or a batch, or all there is.

        `workers` is how many tasks run at a time: as many as the workers that are there have slots,
        unless it is said.

        Raises:
            TaskNotFoundError: there is no such task.
            BatchNotFoundError: there is no such batch.
            InvalidTaskError: a number of workers from 1 to 100,000 is needed.
        """
        numbers = None if workers is None else [workers]
        return self.ends(numbers, task_id=task_id, batch_id=batch_id)[0]

    def ends(
        self,
        workers: Sequence[int] | None = None,
        *,
        task_id: int | None = None,
        batch_id: int | None = None,
    ) -> list[Forecast]:
        """The same for several numbers of workers, all as of one moment.

        Raises:
            TaskNotFoundError: there is no such task.
            BatchNotFoundError: there is no such batch.
            InvalidTaskError: a number of workers is not from 1 to 100,000, or both were named.
        """
        for number in workers or ():
            fields.check_integer("workers", number, range(1, MOST_WORKERS + 1))
        if task_id is not None and batch_id is not None:
            raise fields.invalid("task_id", "and batch_id: name one of them, or neither for all")
        with self._queue.store.reading() as transaction:
            work = self._work(transaction, task_id, batch_id)
            runs = durations.runs(transaction, work.kinds)
        return simulate(work, runs, workers=[work.slots] if workers is None else workers)

    def _work(self, transaction: Any, task_id: int | None, batch_id: int | None) -> OpenWork:
        now = self._queue.clock.now()
        if task_id is not None:
            return outlook.of_task(transaction, task_id, now=now)
        if batch_id is not None:
            return outlook.of_batch(transaction, batch_id, now=now)
        return outlook.of_all(transaction, now=now)


def _kinds(task: Task[Any]) -> tuple[Kind, ...]:
    return kinds_of(task.function, task.description, task.command[0] if task.command else "")


def _of(
    task: Task[Any], kinds: tuple[Kind, ...], runs: Runs, now: datetime, earlier_s: float
) -> Estimate:
    if task.status is not Status.IN_PROGRESS or task.started_at is None:
        return of_runs(kinds, runs)
    ran_for = max(0.0, (now - task.started_at).total_seconds())
    return of_progress(task.progress, ran_for + earlier_s) or of_left(kinds, runs, ran_for=ran_for)
