"""What can be seen of a queue: tasks, workers, counts, reports; nothing here changes anything."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Unpack

from jobrunner.core import fields
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
from jobrunner.core.transition import Happening, Transition
from jobrunner.core.worker import WorkerInfo
from jobrunner.core.written import Piece, Written
from jobrunner.report_page.page import as_html
from jobrunner.runtime.checkup import examine
from jobrunner.runtime.chronicle import Chronicle, follow_all
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.detail import detail
from jobrunner.runtime.registry import Registry
from jobrunner.runtime.statistics import statistics, system_status
from jobrunner.runtime.waiting import follow, wait_until_ended
from jobrunner.storage import check, counting, output, reads, transitions, why, workers
from jobrunner.storage.store import Store

SHOWN: Final = 1_000
"""The changes of status that are listed unless said otherwise."""

MOST: Final = range(1, 100_001)

NEWEST_WITHIN: Final = timedelta(hours=1)
"""How long ago they may have been, unless said otherwise."""


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

    def transitions(self, task_id: int) -> list[Transition]:
        """All that a task went through, oldest first; the last status is the one it has.

        Of a task that was deleted by hand in the last 90 days, only that.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self.store.read(transitions.transitions, task_id)

    def happenings(
        self, *, since: timedelta | datetime = NEWEST_WITHIN, limit: int = SHOWN
    ) -> list[Happening]:
        """What happened to all tasks since a moment, or within a time: the newest, in order.

        Raises:
            InvalidTaskError: `limit` is not from 1 to 100,000, or `since` has no time zone.
        """
        fields.check_integer("limit", limit, MOST)
        return Chronicle(self.store, self.clock, self._moment(since)).newest(limit)

    def follow_happenings(
        self,
        *,
        since: timedelta | datetime | None = None,
        limit: int = SHOWN,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Happening]:
        """Whatever happens to tasks from now on, behind what `happenings` tells if `since` is said.

        It ends when `stopped` says so, which is asked at every look. That a task has come due is
        told with its start, and nothing is told of a claim that was given back unstarted.

        Raises:
            DatabaseMovedError: the work goes on in another database.
        """
        begin = self._moment(timedelta() if since is None else since)
        chronicle = Chronicle(self.store, self.clock, begin)
        if since is None:
            chronicle.begin()
        else:
            yield from chronicle.newest(limit)
        yield from follow_all(self.store, self.clock, chronicle, stopped=stopped)

    def _moment(self, since: timedelta | datetime) -> datetime:
        if isinstance(since, timedelta):
            fields.check_span("since", since, shortest=timedelta())
            return self.clock.now() - since
        fields.check_moment("since", since)
        return since

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

    def _repr_html_(self) -> str:
        """As a notebook shows it: how many tasks have which status."""
        from jobrunner.core.notebook import counts_html  # noqa: PLC0415 — few need it

        return counts_html(self.store.unopened.name, self.counts())

    def counts(self) -> dict[Status, int]:
        """How many tasks have which status."""
        return self.store.read(counting.counts)

    def counts_at(self, moment: datetime) -> dict[Status, int]:
        """How many tasks had which status at a moment; those that are deleted are not counted.

        Raises:
            InvalidTaskError: a moment without a time zone.
        """
        fields.check_moment("moment", moment)
        return self.store.read(transitions.counts_at, moment)

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
