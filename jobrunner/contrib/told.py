"""A queue as it is told to a language model: small, with secrets masked, and only to be read."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from jobrunner.core import objects
from jobrunner.core.fields import invalid
from jobrunner.core.insight import FailureGroup, TaskQuery
from jobrunner.core.insight_objects import failure_object
from jobrunner.core.masking import Masking
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.storage import reads
from jobrunner.task_queue import TaskQueue

LONGEST: Final = 2_000
"""Characters of any text or value; of what was written the end, of all else the beginning."""

MOST: Final = 100
"""Tasks, workers, groups or ids in one answer."""

_WRITTEN: Final = ("stdout", "stderr", "traceback")


class Told:
    """Each method is one tool: its name, its text and its parameters are what the model sees."""

    def __init__(self, queue: TaskQueue) -> None:
        """`queue` is only read from now on."""
        queue.store.read_only = True
        self._queue = queue

    def status(self) -> dict[str, Any]:
        """What goes on now: counts by status, what waits in each queue, workers, running tasks."""
        found = self._queue.status(running=20)
        return {
            "tasks": {status.value: number for status, number in found.tasks.items()},
            "oldest_pending_since": objects.moment(found.oldest_pending),
            "queues": [
                {
                    "name": one.name,
                    "pending": one.pending,
                    "in_progress": one.in_progress,
                    "is_paused": one.is_paused,
                }
                for one in self._queue.insight.queue_backlogs()[:MOST]
            ],
            "workers": [objects.worker_object(worker) for worker in found.workers[:MOST]],
            "running": [_short(task) for task in found.running],
        }

    def list_tasks(
        self,
        status: str | None = None,
        queue: str | None = None,
        function: str | None = None,
        text: str | None = None,
        limit: int = 20,
        before: int | None = None,
    ) -> dict[str, Any]:
        """The newest tasks that match, newest first; at most 100.

        `status` is blocked, scheduled, pending, in_progress, completed, failed or cancelled;
        `text` is part of a description, function or command. Go on with `before=next_before`.
        """
        if status is not None and status not in set(Status):
            raise invalid("status", f"must be one of {', '.join(Status)}")
        query = TaskQuery(
            status=None if status is None else Status(status),
            queue=queue,
            function=function,
            text=text,
        )
        found = self._queue.insight.find(query, limit=min(limit, MOST), before=before)
        return {"tasks": [_short(task) for task in found], "next_before": found.next_before}

    def get_task(self, task_id: int) -> dict[str, Any]:
        """One task: what it runs, its arguments, result, progress, and its newest attempts."""
        task = self._queue.get(task_id)
        mask = _mask(task)
        told = {name: _cut(mask.value(value)) for name, value in _object(task, mask).items()}
        attempts = self._queue.insight.attempts(task_id)
        return told | {
            "attempts": [mask.value(objects.attempt_object(one)) for one in attempts],
            "has_earlier_attempts": attempts.is_cut,
        }

    def explain_task(self, task_id: int) -> dict[str, Any]:
        """Why a task does not run, or that it may: the weightiest reason first, with a hint."""
        task, found = self._queue.get(task_id), self._queue.explain(task_id)
        mask = _mask(task)
        return {
            "id": task.id,
            "status": found.status.value,
            "is_runnable": found.is_runnable,
            "error": task.error and mask.text(task.error),
            "reasons": [
                {
                    "kind": reason.kind,
                    "text": mask.text(reason.text),
                    "hint": reason.hint,
                    "at": objects.moment(reason.at),
                    "tasks": [node.id for node in reason.tasks[:MOST]],
                }
                for reason in found.reasons
            ],
        }

    def task_log(self, task_id: int, attempt: int | None = None) -> dict[str, Any]:
        """What one attempt wrote and raised, the end of each; the newest attempt unless told."""
        task = self._queue.get(task_id)
        mask = _mask(task)
        found = self._queue.insight.attempts(task_id, limit=MOST)
        wanted = [one for one in found if attempt is None or one.number == attempt]
        if not wanted:
            return {"id": task.id, "status": task.status.value, "attempt": None}
        told = objects.log_object(wanted[-1])
        written = {name: _end(mask.text(told.pop(name) or "")) for name in _WRITTEN}
        return {
            "id": task.id,
            "status": task.status.value,
            "attempt": mask.value(told) | written,
        }

    def report(self, hours: float | None = None) -> dict[str, Any]:
        """Completion, waits, run times by function, efficiency of workers; of late, or so long."""
        since = None if hours is None else timedelta(hours=hours)
        told = objects.report_object(self._queue.report(since=since))
        return told | {name: told[name][:MOST] for name in ("functions", "workers")}

    def failures(self, limit: int = 20) -> dict[str, Any]:
        """The newest failed tasks in groups of errors that say the same, the last first."""
        groups = self._queue.insight.failures(min(limit, MOST))
        newest = {task.id: task for task in self._newest(groups)}
        told: list[dict[str, Any]] = []
        for group in groups:
            task = newest.get(group.ids[0])
            mask = Masking() if task is None else _mask(task)
            error, ids = _cut(mask.text(group.error)), list(group.ids[:MOST])
            told.append(failure_object(group) | {"error": error, "ids": ids})
        return {"groups": told}

    def _newest(self, groups: Sequence[FailureGroup]) -> list[Task[Any]]:
        """The task of each group that its error is of, whose secrets are to be known."""
        ids = [group.ids[0] for group in groups]
        return self._queue.store.read(reads.get_many, ids, source=self._queue)


def _mask(task: Task[Any]) -> Masking:
    return Masking.of(task.args, task.kwargs, command=task.command or ())


def _object(task: Task[Any], mask: Masking) -> dict[str, Any]:
    command = None if task.command is None else mask.command(task.command)
    return objects.task_object(task) | {"command": command}


def _short(task: Task[Any]) -> dict[str, Any]:
    mask = _mask(task)
    told = _object(task, mask)
    words = " ".join(told["command"] or ())
    return {
        "id": task.id,
        "name": _cut(mask.text(task.description or task.function or words)),
        "error": _cut(mask.text(task.error or "")),
    } | {
        name: told[name]
        for name in (
            *("status", "queue", "function", "attempt", "created_at", "run_at"),
            *("started_at", "finished_at", "worker_id"),
        )
    }


def _cut(value: Any) -> Any:
    """A value, or the beginning of its text if that is long."""
    text = value if isinstance(value, str) else repr(value)
    return value if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _end(text: str) -> str:
    return text if len(text) <= LONGEST else f"…{text[-LONGEST:]}"
