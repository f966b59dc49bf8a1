"""What can be seen of a queue: tasks, workers, counts, reports; nothing here changes anything."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Unpack

from jobrunner.core.explanation import Explanation, explain
from jobrunner.core.filter import TaskFilter
from jobrunner.core.finding import Finding
from jobrunner.core.history import AttemptRecord
from jobrunner.core.hook import WEBHOOK
from jobrunner.core.report import By, Report, by_of
from jobrunner.core.report_detail import ReportDetail
from jobrunner.core.status import Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import Task, TaskId
from jobrunner.core.worker import WorkerInfo
from jobrunner.past import Past
from jobrunner.report_page.page import as_html
from jobrunner.runtime.checkup import examine
from jobrunner.runtime.detail import detail
from jobrunner.runtime.registry import Registry
from jobrunner.runtime.statistics import statistics, system_status
from jobrunner.runtime.waiting import wait_until_ended
from jobrunner.storage import check, counting, reads, why, workers


class Views(Past):
    """The part of a queue that only looks."""

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

    def explain(self, task_id: int) -> Explanation:
        """Why a task does not run, or that it may: what a claim asks of it, answered.

        Short and bounded; nothing is changed. Of one that runs or has ended, it tells where or how.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        now = self.clock.now()
        task, around = self.store.read(why.look, task_id, source=self, now=now)
        known = self.registry.names
        if known and task.function not in {None, WEBHOOK, *known}:
            around = replace(around, is_known=False)
        return explain(task, around)

    def history(self, task_id: int) -> list[AttemptRecord]:
        """The attempts of a task that have ended, oldest first."""
        return self.store.read(reads.history, task_id)

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

    def _repr_html_(self) -> str:
        """As a notebook shows it: how many tasks have which status."""
        from jobrunner.core.notebook import counts_html  # noqa: PLC0415 — few need it

        return counts_html(self.store.unopened.name, self.counts())

    def counts(self) -> dict[Status, int]:
        """How many tasks have which status."""
        return self.store.read(counting.counts)

    def status(self, *, running: int = 20) -> SystemStatus:
        """What is going on now: at most so many `running` tasks, workers, counts, waits."""
        return self.store.read(system_status, source=self, running=running)

    def workers(self) -> list[WorkerInfo]:
        """All workers there have been, oldest first."""
        return self.store.read(workers.every)

    def report(
        self, *, since: timedelta | datetime | None = None, by: By | str | None = None
    ) -> Report:
        """Task completion and worker efficiency, of late or since a moment if one is given.

        `by` has attempts put together by `function`, `queue`, `worker` or `hour` as well.

        Raises:
            InvalidTaskError: `by` is none of these.
        """
        kind = None if by is None else by_of(by)
        return statistics(self.store.database, now=self.clock.now(), since=since, by=kind)

    def report_page(
        self, *, since: timedelta | datetime | None = None, by: By | str | None = None
    ) -> str:
        """The same and more as one HTML page that loads nothing: for a browser, a mail, paper.

        Raises:
            InvalidTaskError: `by` is none of these.
        """
        return as_html(self.report_detail(since=since, by=by))

    def report_detail(
        self, *, since: timedelta | datetime | None = None, by: By | str | None = None
    ) -> ReportDetail:
        """What that page tells: the report, when what ended, what failed and what took longest.

        Raises:
            InvalidTaskError: `by` is none of these.
        """
        kind = None if by is None else by_of(by)
        return detail(self.store.database, now=self.clock.now(), since=since, by=kind)

    def check(self) -> list[str]:
        """What is wrong with the database, a sentence each; nothing for a sound one."""
        with self.store.reading() as transaction:
            return list(check.problems(transaction))

    def examine(self) -> list[Finding]:
        """All that may be wrong, from the library to the clock; makes and changes nothing."""
        return examine(self.store.unopened, registry=self.registry, clock=self.clock)
