"""What can be seen of a queue behind a server; nothing here changes anything."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Unpack

from jobrunner.client.connection import Connection, as_told, known
from jobrunner.client.patience import rest
from jobrunner.client.waiting import wait_until_ended
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.explanation import Explanation
from jobrunner.core.explanation_objects import explanation_of
from jobrunner.core.fields import check_moment
from jobrunner.core.filter import TaskFilter
from jobrunner.core.history import AttemptRecord
from jobrunner.core.read_control import status_of
from jobrunner.core.read_objects import attempt_of, report_of, task_of, worker_of
from jobrunner.core.report import By, Report, by_of
from jobrunner.core.status import Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import Task
from jobrunner.core.transition import Transition, transition_of
from jobrunner.core.worker import WorkerInfo
from jobrunner.core.written import Piece, Written, tail, written_of

SHOWN: Final = 50
RUNNING: Final = 20
"""Running tasks that a server tells of by itself."""

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what an attempt writes."""


class Views:
    """The part of a client that only looks."""

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the server."""
        self.connection = connection

    def get(self, task_id: int) -> Task[Any]:
        """Read a task as it is now.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self._task(self.connection.get("tasks", known(task_id)))

    def find(self, **wanted: Unpack[TaskFilter]) -> list[Task[Any]]:
        """The tasks that match, newest first, 50 unless `limit` says otherwise."""
        given: dict[str, Any] = {"limit": SHOWN, **wanted}
        return [self._task(told) for told in self.connection.pages("tasks", **given)]

    def explain(self, task_id: int) -> Explanation:
        """Why a task does not run, or that it may: what a claim asks of it, answered.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        told = self.connection.get("tasks", known(task_id), "explain")
        return as_told(explanation_of, told)

    def history(self, task_id: int) -> list[AttemptRecord]:
        """The attempts of a task that have ended, oldest first."""
        try:
            told = self.connection.get("tasks", known(task_id), "log")
        except TaskNotFoundError:
            return []
        return as_told(lambda found: [attempt_of(one, task_id) for one in found], told)

    def transitions(self, task_id: int) -> list[Transition]:
        """All that a task went through, oldest first; the last status is the one it has.

        Of a task that was deleted by hand in the last 90 days, only that.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        told = self.connection.get("tasks", known(task_id), "history")
        return as_told(lambda found: [transition_of(one) for one in found], told)

    def written(
        self, task_id: int, *, run: int | None = None, stdout: int = 0, stderr: int = 0
    ) -> Written:
        """What an attempt has written: the newest one, which may run, or the one of a `run`.

        `stdout` and `stderr` are offsets in characters: only what stands behind them is told. Of
        one that runs it is a second or two old.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        offsets = {"run": run, "stdout": stdout, "stderr": stderr}
        told = self.connection.get("tasks", known(task_id), "log", "live", **offsets)
        return as_told(written_of, told)

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
        """
        never = threading.Event()

        def look(run: int | None, stdout: int, stderr: int) -> Written:
            return self.written(task_id, run=run, stdout=stdout, stderr=stderr)

        def wait() -> None:
            on_wait()
            rest(never, LOOK_EVERY)

        return tail(look, wait, run, once=once)

    def wait(
        self,
        tasks: Iterable[Task[Any] | int],
        *,
        timeout: float | None = None,
        on_open: Callable[[int], None] = lambda _: None,
    ) -> list[Task[Any]]:
        """Wait until tasks have ended; returns them as they are then. `timeout` in seconds.

        `on_open` is told how many are still open, now and then. It lives through a restart of the
        server, if that takes no longer than the client waits for an answer.

        Raises:
            WaitTimeoutError: some did not end in time.
            TaskNotFoundError: there is no such task.
        """
        ids = [known(task.id if isinstance(task, Task) else task) for task in tasks]
        ended = wait_until_ended(self.connection, self, ids, timeout=timeout, on_open=on_open)
        return [ended[task_id] for task_id in ids]

    def counts(self) -> dict[Status, int]:
        """How many tasks have which status."""
        return dict(self.status().tasks)

    def status(self, *, running: int = RUNNING) -> SystemStatus:
        """What is going on now: at most so many `running` tasks, workers, counts, waits."""
        found = as_told(lambda told: status_of(told, self), self.connection.get("status"))
        if running <= RUNNING:
            return replace(found, running=found.running[: max(running, 0)])
        return replace(found, running=self.find(status=Status.IN_PROGRESS, limit=running))

    def workers(self) -> list[WorkerInfo]:
        """All workers there have been, oldest first."""
        told = self.connection.get("workers", all="true")
        return as_told(lambda found: [worker_of(one) for one in found], told)

    def report(
        self, *, since: timedelta | datetime | None = None, by: By | str | None = None
    ) -> Report:
        """Task completion and worker efficiency, of late or since a moment if one is given.

        `by` has attempts put together by `function`, `queue`, `worker` or `hour` as well.

        Raises:
            InvalidTaskError: `by` is none of these.
        """
        kind = None if by is None else by_of(by)
        if isinstance(since, timedelta):
            since = self.connection.now() - since
        if since is not None:
            check_moment("since", since)
        moment = None if since is None else since.astimezone(UTC).isoformat()
        told = self.connection.get("report", since=moment, by=kind)
        workers = {str(worker.id): worker for worker in self.workers()}
        return as_told(lambda found: report_of(found, workers), told)

    def _task(self, told: Any) -> Task[Any]:
        return as_told(lambda one: task_of(one, self), told)
