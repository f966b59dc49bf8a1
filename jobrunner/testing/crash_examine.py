"""The examination after the kills: the whole history, and each re-run task by its own check."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

CHECK_AT_MOST: Final = 60.0
"""Seconds that one check may take."""

_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """A program that says by its exit code whether a task's effect is there once.

    `as_object` makes of a task what the program finds in JOBRUNNER_TASK, as JSON.
    """

    argv: Sequence[str]
    as_object: Callable[[Task[Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """A task that ran more than once. `complaint` is what its check said against it."""

    task_id: TaskId
    name: str
    status: Status
    outcomes: tuple[str, ...]
    error: str | None
    complaint: str | None = None

    @property
    def was_hit(self) -> bool:
        """Whether it lost an attempt to a kill."""
        return "lost" in self.outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashReport:
    """How it went. `problems` are sentences; where there is none, the tasks survive kills."""

    kills: Mapping[str, int]
    tasks: Mapping[Status, int]
    attempts: int
    lost: int
    completed_twice: int
    reruns: Sequence[Rerun]
    checked: int
    problems: Sequence[str]
    elapsed_s: float

    @property
    def killed(self) -> int:
        """How many kills there were."""
        return sum(self.kills.values())

    @property
    def not_idempotent(self) -> list[Rerun]:
        """Those whose check complained."""
        return [rerun for rerun in self.reruns if rerun.complaint is not None]


def examine(
    queue: "TaskQueue",
    ids: Sequence[TaskId],
    kills: Mapping[str, int],
    *,
    elapsed_s: float,
    check: Check | None,
) -> CrashReport:
    """Look at all there is by now, what the tasks have enqueued themselves too."""
    tasks = {task.id: task for task in queue.find(limit=_ALL)}
    histories = {
        task.id: tuple(record.outcome for record in queue.history(task.id))
        for task in tasks.values()
    }
    reruns = [
        Rerun(
            task_id=task.id,
            name=task.name,
            status=task.status,
            outcomes=histories[task.id],
            error=task.error,
        )
        for task in sorted(tasks.values(), key=lambda task: task.id)
        if len(histories[task.id]) > 1
    ]
    if check is not None:
        reruns = [
            replace(rerun, complaint=_complaint(queue, check, tasks[rerun.task_id], rerun))
            for rerun in reruns
        ]
    problems = [
        *_fates(ids, tasks, histories),
        *(f"db check: {problem}" for problem in queue.check()),
        *_failures(reruns),
    ]
    return CrashReport(
        kills=kills,
        tasks=Counter(task.status for task in tasks.values()),
        attempts=sum(map(len, histories.values())),
        lost=len(set(ids) - set(tasks)),
        completed_twice=sum(outcomes.count("completed") > 1 for outcomes in histories.values()),
        reruns=reruns,
        checked=len(reruns) if check else 0,
        problems=problems,
        elapsed_s=elapsed_s,
    )


def _fates(
    ids: Sequence[TaskId], tasks: Mapping[TaskId, Task[Any]], histories: Mapping[TaskId, Any]
) -> Iterator[str]:
    for lost in sorted(set(ids) - set(tasks)):
        yield f"task {lost} is lost"
    for task in tasks.values():
        completed = histories[task.id].count("completed")
        if not task.status.is_final:
            yield f"task {task.id} ({task.name}) has not ended, it is {task.status}"
        elif completed != (task.status is Status.COMPLETED):
            yield f"task {task.id} ({task.name}) is {task.status} and completed {completed} times"


def _failures(reruns: Sequence[Rerun]) -> Iterator[str]:
    for rerun in reruns:
        if rerun.complaint is not None:
            said = f": {rerun.complaint}" if rerun.complaint else ""
            yield f"task {rerun.task_id} ({rerun.name}) is not idempotent{said}"
        if rerun.was_hit and rerun.status is Status.FAILED:
            yield f"task {rerun.task_id} ({rerun.name}) failed after a kill: {rerun.error}"


def _complaint(queue: "TaskQueue", check: Check, task: Task[Any], rerun: Rerun) -> str | None:
    """The last line that the check printed, `None` if it is content."""
    environment = {
        **os.environ,  # noqa: TID251 — the check sees what its caller sees
        "JOBRUNNER_DB": queue.database.location,
        "JOBRUNNER_TASK_ID": str(task.id),
        "JOBRUNNER_ATTEMPTS": str(len(rerun.outcomes)),
        "JOBRUNNER_TASK": json.dumps(check.as_object(task)),
    }
    try:
        ran = subprocess.run(  # noqa: S603 — running what the user named is the purpose
            check.argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=CHECK_AT_MOST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the check took longer than {CHECK_AT_MOST:g} s"
    except OSError as error:
        return f"the check cannot be run: {error.strerror}"
    if ran.returncode == 0:
        return None
    said = ran.stdout.decode(errors="replace").strip().splitlines()
    return said[-1][:200] if said else f"exit code {ran.returncode}"
