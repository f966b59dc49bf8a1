"""A stored task as Django's TaskResult tells it."""

import builtins
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from jobrunner.contrib.django.framework import InvalidTask, base, settings, tasks, timezone
from jobrunner.core.history import AttemptRecord
from jobrunner.core.status import Status
from jobrunner.core.task import Task

if TYPE_CHECKING:
    from jobrunner.contrib.django.queues import DjangoQueue

_SPENT: Final = frozenset({"failed", "timed_out", "crashed", "lost"})
"""Attempts that are errors in Django's eyes."""

_CLASS: Final = re.compile(r"[\w.<>]+")
_FRAME: Final = re.compile(r"^ {2}[|+] ")
"""What stands before each line of an exception group."""

NO_TRACEBACK: Final = "jobrunner.TaskFailedError"
"""For what no exception of the task tells: its worker died, or it was cancelled."""


def told(queue: "DjangoQueue", task: Any, stored: Task[Any], *, alias: str | None = None) -> Any:
    """The result of a stored task. `task` is Django's own with the same path.

    `alias` is that of the backend that was asked, the queue's own unless given.
    """
    past = queue.history(stored.id)
    alias = alias or queue.alias
    result = tasks.TaskResult(
        task=_as_stored(task, stored, alias),
        id=str(stored.id),
        status=_status(stored.status),
        enqueued_at=moment(stored.created_at),
        started_at=moment(past[0].started_at if past else stored.started_at),
        last_attempted_at=moment(stored.started_at or (past[-1].started_at if past else None)),
        finished_at=moment(stored.finished_at),
        args=list(stored.args),
        kwargs=stored.kwargs,
        backend=alias,
        errors=_errors(stored, past),
        worker_ids=_workers(stored, past),
    )
    object.__setattr__(result, "_return_value", stored.returned)
    return result


def moment(at: datetime | None) -> datetime | None:
    """A moment as the project keeps them: with a time zone, or by its own clock without one."""
    if at is None or settings.USE_TZ:
        return at
    naive: datetime = timezone.make_naive(at)
    return naive


def _status(status: Status) -> Any:
    names = base.TaskResultStatus
    match status:
        case Status.COMPLETED:
            return names.SUCCESSFUL
        case Status.FAILED | Status.CANCELLED:
            return names.FAILED
        case Status.IN_PROGRESS:
            return names.RUNNING
        case Status.BLOCKED | Status.SCHEDULED | Status.PENDING:
            return names.READY


def _as_stored(task: Any, stored: Task[Any], alias: str) -> Any:
    """Django's task with the priority, the queue and the time that this one was given."""
    waits = stored.run_at > stored.created_at and stored.attempt <= 1
    try:
        return replace(
            task,
            priority=stored.priority,
            queue_name=stored.queue,
            backend=alias,
            run_after=moment(stored.run_at) if waits else None,
        )
    except InvalidTask:  # changed by hand since, to what Django does not allow
        return task


def _workers(stored: Task[Any], past: Sequence[AttemptRecord]) -> list[str]:
    """Who ran each attempt that counts, so that there are as many as attempts."""
    ran = {record.number: str(record.worker_id) for record in past}
    if stored.status is Status.IN_PROGRESS and stored.worker_id is not None:
        ran[stored.attempt] = str(stored.worker_id)
    return [ran[number] for number in sorted(ran) if number <= stored.attempt]


def _errors(stored: Task[Any], past: Sequence[AttemptRecord]) -> list[Any]:
    found = [
        base.TaskError(
            exception_class_path=class_of(record),
            traceback=record.traceback or f"{record.error}\n",
        )
        for record in past
        if record.outcome in _SPENT
    ]
    if stored.status is Status.CANCELLED:
        found.append(
            base.TaskError(exception_class_path=NO_TRACEBACK, traceback=f"{stored.error}\n")
        )
    return found


def class_of(record: AttemptRecord) -> str:
    """The path of the exception's class, read from the last line of the traceback that tells it.

    That line says what `error` says, and stands below source code: a message may hold anything.
    """
    if record.outcome == "timed_out":
        return "builtins.TimeoutError"
    name, _, _ = (record.error or "").partition(":")
    says = (record.error or "").removeprefix(name)
    found, before = "", "  "
    for line in map(_unframed, (record.traceback or "").splitlines()):
        match = _CLASS.match(line)
        if before.startswith("  ") and match and _names(match[0], name):
            found = match[0] if line[match.end() :].startswith(says) else found
        before = line
    if not found:
        return NO_TRACEBACK
    if "." in found:
        return found
    return f"{'builtins' if hasattr(builtins, found) else '__main__'}.{found}"


def _unframed(line: str) -> str:
    return _FRAME.sub("", line)


def _names(path: str, name: str) -> bool:
    return path.rpartition(".")[2] == name
