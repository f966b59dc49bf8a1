"""The examination after the kills: the whole history, and each re-run task by its own check."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId
from jobrunner.testing.crash_check import Check

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

_ALL: Final = 1_000_000


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
        place = queue.database.location
        said = [check.complaint(tasks[r.task_id], len(r.outcomes), place) for r in reruns]
        reruns = [replace(r, complaint=text) for r, text in zip(reruns, said, strict=True)]
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
