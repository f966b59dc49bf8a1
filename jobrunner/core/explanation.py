"""Why a task does not run, or that it may."""

from dataclasses import dataclass
from typing import Any

from jobrunner.core import reasons
from jobrunner.core.circumstances import Circumstances
from jobrunner.core.reasons import WAITING, Reason
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a task does not run, the weightiest reason first.

    `is_runnable` says that a worker which is alive and has room takes it at its next claim: then no
    reason blocks it. Of one that runs or has ended, the reasons tell where or how.
    """

    task_id: TaskId
    status: Status
    is_runnable: bool
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        return " ".join(reason.text for reason in self.reasons)


def explain(task: Task[Any], around: Circumstances) -> Explanation:
    """What follows for a task from what stands around it."""
    if task.status in WAITING:
        found = reasons.waiting(task, around)
    elif task.status is Status.IN_PROGRESS:
        found = reasons.running(task, around)
    else:
        found = reasons.ended(task, around)
    return Explanation(
        task_id=task.id, status=task.status, is_runnable=around.is_taken, reasons=tuple(found)
    )
