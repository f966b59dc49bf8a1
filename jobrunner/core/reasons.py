"""What stands in a task's way, as sentences: of one that waits, runs or has ended."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from jobrunner.core.circumstances import Circumstances, FullLimit, Server
from jobrunner.core.history import AttemptRecord
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.outcome import label
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.core.verdict import ALONE_AFTER
from jobrunner.core.worker import WorkerStatus

WAITING: Final = (Status.BLOCKED, Status.SCHEDULED, Status.PENDING)

_FAILING: Final = ("failed", "timed_out", "crashed", "lost")

_LONGEST: Final = 200
"""Characters of an error that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that is to say of why a task does not run.

    If not `is_blocking`, a worker with room takes it all the same. `at` is when it began or ends,
    `tasks` are those that it waits for, or that hold the places it wants.
    """

    kind: str
    text: str
    hint: str = ""
    is_blocking: bool = True
    at: datetime | None = None
    tasks: tuple[TaskNode, ...] = ()


def told(moment: datetime | None) -> str:
    """A moment in a sentence."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def waiting(task: Task[Any], around: Circumstances) -> list[Reason]:
    """Of a task that waits: what blocks it, the weightiest first, then what else is to say."""
    found = [*_blocked(task, around), *_scheduled(task, around), *_closed(task, around)]
    found += _unserved(task, around)
    if around.is_ready:
        found += map(_full, around.full)
        if not found and not around.is_taken:
            text = "Its limits let some start, and those ahead of it take all the places."
            found.append(Reason(kind="turn", text=text))
    return [*found, *_remarks(task, around, is_free=not found)]


def _blocked(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    if task.status is not Status.BLOCKED:
        return
    number = around.waiting_on
    text = f"It waits for {number:,} other task{'' if number == 1 else 's'} to end."
    yield Reason(kind="parents", text=text, tasks=tuple(around.parents))
    if not around.is_due:
        text = f"It is to start at {told(task.run_at)} at the earliest."
        yield Reason(kind="scheduled", text=text, at=task.run_at)


def _scheduled(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    if task.status is not Status.SCHEDULED or around.is_ready:
        return
    for wait in around.waits:
        until = "" if wait.until is None else f", until {told(wait.until)} at the latest"
        text = f"It waits for the event {wait.name!r}{until}."
        yield Reason(kind="event", text=text, at=wait.until)
    last, moment = around.last, told(task.run_at)
    if around.waits:
        return
    if last is not None and last.outcome in _FAILING:
        text = f"{_attempt(last, task)} It is tried again at {moment}."
        yield Reason(kind="retry", text=text, at=task.run_at)
    else:
        again = "It asked to run again at" if task.started_at else "It is to start at"
        yield Reason(kind="scheduled", text=f"{again} {moment}.", at=task.run_at)


def _attempt(last: AttemptRecord, task: Task[Any]) -> str:
    error = (last.error or "").strip().rstrip(".")
    error = error if len(error) <= _LONGEST else f"{error[:_LONGEST]}…"
    said = f": {error}." if error else "."
    return f"Attempt {last.number} of {task.max_attempts} {_ended(last)}{said}"


def _ended(last: AttemptRecord) -> str:
    return f"was {label(last.outcome)}" if last.outcome == "lost" else label(last.outcome)


def _closed(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    """What keeps all of its kind from starting."""
    if not around.is_in_time:
        text = f"It was to start by {told(task.expires_at)}: the next sweep cancels it."
        yield Reason(kind="expired", text=text, at=task.expires_at)
    if around.paused_at is not None:
        text = f"Its queue {task.queue!r} is paused since {told(around.paused_at)}."
        hint = f"Resume it: jobrunner queue resume {shlex.quote(task.queue)}"
        yield Reason(kind="paused", text=text, hint=hint, at=around.paused_at)
    if around.is_moving:
        text = "Its database is about to move: until then no task is started."
        yield Reason(kind="move", text=text)


def _unserved(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    """Whether any worker that is alive would take it, were there no limits."""
    running = [one for one in around.servers if one.worker.status is WorkerStatus.RUNNING]
    serving = [one for one in running if one.worker.serves(task.queue)]
    able = [one for one in serving if not one.lacks or _has(one, task)]
    claiming = [one for one in able if one.may_claim]
    needs = ", ".join(f"{name}={amount:g}" for name, amount in task.needs.items())
    tasks: tuple[TaskNode, ...] = ()
    if not running:
        text, hint = "No worker runs.", "Start one: jobrunner work"
    elif not serving:
        text = f"No worker that runs serves the queue {task.queue!r}."
        hint = "Start one that does, or move the task to another queue."
    elif not able:
        text, hint = f"No worker offers what it needs: {needs}.", "Start one with --offers."
    elif not claiming:
        text, hint = "The workers that would take it are paused.", "Resume one of them."
    elif around.is_ready and all(one.lacks for one in claiming):
        text, hint, tasks = (
            f"Other tasks have what it needs now: {needs}.",
            "",
            tuple(around.in_use),
        )
    else:
        return
    kind = "needs" if tasks else "workers"
    yield Reason(kind=kind, text=text, hint=hint, tasks=tasks)


def _has(server: Server, task: Task[Any]) -> bool:
    """Whether a worker would have enough if nothing else ran on it."""
    offers = server.worker.offers
    return all(offers.get(name, 0) >= amount for name, amount in task.needs.items())


def _full(limit: FullLimit) -> Reason:
    """A limit that lets nobody start now, and who has its places."""
    whose = f"queue {limit.name!r}" if limit.is_queue else f"concurrency key {limit.name!r}"
    of = "queue" if limit.is_queue else "key"
    hint = f"Change it: jobrunner {of} limit {shlex.quote(limit.name)}"
    if limit.period is not None:
        span = f"{limit.period.total_seconds():g} s"
        text = f"Of its {whose}, no more than {limit.most:,} may start in {span}, and they have."
        if limit.opens_at is not None:
            text = f"{text} The next may at {told(limit.opens_at)}."
        hint = f"{hint} --rate …"
        return Reason(kind="rate", text=text, hint=hint, at=limit.opens_at, tasks=limit.holders)
    runs = "runs" if limit.used == 1 else "run"
    text = f"Of its {whose}, no more than {limit.most:,} may run, and {limit.used:,} {runs}."
    kind, hint = "limit" if limit.is_queue else "key", f"{hint} --concurrency …"
    return Reason(kind=kind, text=text, hint=hint, tasks=limit.holders)


def _remarks(task: Task[Any], around: Circumstances, *, is_free: bool) -> Iterator[Reason]:
    """What does not keep it from starting, but tells when and how it will."""
    said = [*_ahead(task, around), *_busy(around)]
    if is_free and not said:
        said = [Reason(kind="next", text="It is next: a worker takes it any moment.")]
    if task.crashes:
        times = "once" if task.crashes == 1 else f"{task.crashes} times"
        alone = ", and runs alone, in a process of its own" if task.crashes >= ALONE_AFTER else ""
        text = f"It has taken its process or worker down {times}{alone}."
        said.append(Reason(kind="crashes", text=text))
    if not around.is_known:
        text = f"The application has no function {task.function!r}: a worker of it fails the task."
        hint = "Register it, or start the workers with the application that does."
        said.append(Reason(kind="function", text=text, hint=hint))
    for one in said:
        yield Reason(kind=one.kind, text=one.text, hint=one.hint, is_blocking=False)


def _ahead(task: Task[Any], around: Circumstances) -> Iterator[Reason]:
    number = around.ahead.number
    if number:
        many = f"{number:,}{' or more' if around.ahead.is_capped else ''}"
        verb = "task is" if number == 1 and not around.ahead.is_capped else "tasks are"
        yield Reason(kind="ahead", text=f"{many} {verb} ahead of it in its queue {task.queue!r}.")


def _busy(around: Circumstances) -> Iterator[Reason]:
    takers = [one for one in around.servers if one.takes]
    if takers and not any(one.is_free for one in takers):
        slots = sum(one.slots for one in takers)
        text = f"The slots of all workers that would take it are in use: {slots:,}."
        yield Reason(kind="busy", text=text)


def running(task: Task[Any], around: Circumstances) -> list[Reason]:
    """Of a task that runs: where, and whether it goes on."""
    number = f"attempt {task.attempt} of {task.max_attempts}"
    text = f"It runs on {task.worker_id} since {told(task.started_at)}, {number}."
    found = [Reason(kind="running", text=text, at=task.started_at)]
    if task.cancel_requested_at is not None:
        text = f"It was asked to stop at {told(task.cancel_requested_at)}."
        found.append(Reason(kind="stopping", text=text, at=task.cancel_requested_at))
    if not any(one.worker.id == task.worker_id for one in around.servers):
        text = "Its worker has ended: the next sweep of another one has it run again."
        found.append(Reason(kind="lost", text=text))
    return found


def ended(task: Task[Any], around: Circumstances) -> list[Reason]:
    """Of a task that has ended: how, and what keeps it from a retry."""
    how = f"It {_how(task)} at {told(task.finished_at)}"
    error = f": {task.error.rstrip('.')}." if task.error else "."
    hints = {
        Status.COMPLETED: f"Run it again: jobrunner task retry {task.id} --downstream",
        Status.FAILED: f"Run it again: jobrunner task retry {task.id}",
        Status.CANCELLED: f"Run it all the same: jobrunner task retry {task.id}",
    }
    cause, rival = around.cause, around.rival
    hint = "" if cause or rival else hints[task.status]
    found = [Reason(kind="ended", text=f"{how}{error}", hint=hint, at=task.finished_at)]
    if cause is not None:
        what = "failed" if cause.status is Status.FAILED else "was cancelled"
        text = f"All began with task {cause.id}, which {what}."
        hint = f"Retry that one first: jobrunner task retry {cause.id} --downstream"
        found.append(Reason(kind="cause", text=text, hint=hint, tasks=(cause,)))
    if rival is not None:
        text = f"It cannot be retried: task {rival.id} has its unique key {task.unique_key!r} now."
        hint = f"Let that one end first, or cancel it: jobrunner task cancel {rival.id}"
        found.append(Reason(kind="unique", text=text, hint=hint, tasks=(rival,)))
    return found


def _how(task: Task[Any]) -> str:
    if task.status is Status.CANCELLED:
        return "was cancelled"
    times = "" if task.attempt == 1 else f" after {task.attempt} attempts"
    return f"{'completed' if task.status is Status.COMPLETED else 'failed'}{times}"
