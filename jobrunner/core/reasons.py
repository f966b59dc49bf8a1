"""Why a task does not run: what it waits for, in sentences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobrunner.core.insight import Counted
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.limits import Limits
from jobrunner.core.sent import EventWait
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.core.worker import WorkerInfo, WorkerStatus

NO_LIMITS: Final = Limits()
NONE: Final = Counted(0)

WAITING: Final = (Status.BLOCKED, Status.SCHEDULED, Status.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that a task waits for. `at` is when that comes, `tasks` are those it waits for."""

    kind: str
    text: str
    hint: str = ""
    at: datetime | None = None
    tasks: Sequence[TaskNode] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What stands around a task that waits.

    `parents` have not ended; `workers` are alive; the numbers are of tasks that run.
    """

    parents: Sequence[TaskNode] = ()
    waits: Sequence[EventWait] = ()
    paused_at: datetime | None = None
    limits: Limits = NO_LIMITS
    running: int = 0
    key_limits: Limits = NO_LIMITS
    key_running: int = 0
    workers: Sequence[WorkerInfo] = ()
    ahead: Counted = NONE


def reasons(task: Task[Any], around: Circumstances) -> list[Reason]:
    """What a task waits for, the weightiest first; nothing for one that does not wait."""
    if task.status not in WAITING:
        return []
    found = [*_blocked(task, around), *_scheduled(task, around), *_paused(task, around)]
    found += _unserved(task, around)
    if task.status is Status.PENDING:
        found += [*_limited(task, around), *_ahead(task, around)]
        found = found or [Reason(kind="next", text="It is next: a worker takes it any moment.")]
    return found


def _blocked(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    if task.status is Status.BLOCKED:
        number = len(around.parents)
        text = f"It waits for {number} other task{'' if number == 1 else 's'} to end."
        if not number:
            text = "It waits for other tasks to end."
        yield Reason(kind="parents", text=text, tasks=around.parents)


def _scheduled(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    if task.status is not Status.SCHEDULED:
        return
    for wait in around.waits:
        until = "." if wait.until is None else ", at the latest until"
        text = f"It waits for the event {wait.name!r}{until}"
        yield Reason(kind="event", text=text, at=wait.until)
    if not around.waits:
        again = "It is tried again" if task.attempt else "It is to start"
        yield Reason(kind="scheduled", text=again, at=task.run_at)


def _paused(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    if around.paused_at is not None:
        text = f"Its queue {task.queue!r} is paused since"
        yield Reason(kind="paused", text=text, at=around.paused_at)


def _unserved(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    """Whether any worker that is alive would take it."""
    running = [one for one in around.workers if one.status is WorkerStatus.RUNNING]
    serving = [one for one in running if not one.queues or task.queue in one.queues]
    able = [one for one in serving if _offers(one, task)]
    if not running:
        text, hint = "No worker runs.", "Start one: jobrunner work"
    elif not serving:
        text = f"No worker that runs serves the queue {task.queue!r}."
        hint = "Start one that does, or move the task to another queue."
    elif not able:
        needs = ", ".join(f"{name}={amount:g}" for name, amount in task.needs.items())
        text, hint = f"No worker offers what it needs: {needs}.", "Start one with --offers."
    elif all(one.paused_at for one in able):
        text, hint = "The workers that would take it are paused.", "Resume one of them."
    else:
        return
    yield Reason(kind="workers", text=text, hint=hint)


def _offers(worker: WorkerInfo, task: Task[Any]) -> bool:
    return all(worker.offers.get(name, 0) >= amount for name, amount in task.needs.items())


def _limited(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    most = around.limits.concurrency
    if most is not None and around.running >= most:
        text = f"Its queue {task.queue!r} runs {around.running} at a time, and no more than {most}."
        yield Reason(kind="limit", text=text)
    most = around.key_limits.concurrency
    if task.concurrency_key is not None and most is not None and around.key_running >= most:
        may = f"{around.key_running} run, and no more than {most} may"
        yield Reason(kind="key", text=f"Of its concurrency key {task.concurrency_key!r} {may}.")
    for whose, limits in (("queue", around.limits), ("concurrency key", around.key_limits)):
        if limits.rate is not None:
            number, period = limits.rate
            text = f"Its {whose} starts no more than {number} in {period.total_seconds():g} s."
            yield Reason(kind="rate", text=text)


def _ahead(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    number = around.ahead.number
    if number:
        told = f"{number:,}{' or more' if around.ahead.is_capped else ''}"
        verb = "task is" if number == 1 else "tasks are"
        text = f"{told} {verb} ahead of it in its queue {task.queue!r}."
        yield Reason(kind="ahead", text=text)
