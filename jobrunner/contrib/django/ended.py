"""Tell Django's `task_finished` once it is stored how a task has ended."""

from typing import TYPE_CHECKING, Any

from jobrunner.contrib.django import known, results
from jobrunner.contrib.django.framework import db, signals, tasks
from jobrunner.core.errors import TaskFailedError, TaskNotFoundError
from jobrunner.core.task import Task
from jobrunner.runtime.around import StatusChange

if TYPE_CHECKING:
    from jobrunner.contrib.django.queues import DjangoQueue


def tell_end(queue: "DjangoQueue", change: StatusChange) -> None:
    """Send the signal for a task that has ended, from the loop of the worker that stored it."""
    if not change.status.is_final:
        return
    try:
        stored = queue.get(change.task_id)
    except TaskNotFoundError:  # deleted by now
        return
    task = known.find(stored.function or "")
    if task is None:  # a command, say
        return
    backend: type[Any] = tasks.task_backends[queue.alias].__class__
    db.close_old_connections()
    try:
        _send(backend, results.told(queue, task, stored), stored)
    finally:
        db.close_old_connections()


def _send(backend: type[Any], result: Any, stored: Task[Any]) -> None:
    """Of a failure within a handler of an exception: receivers log the one that is handled."""
    try:
        stored.result()
    except TaskFailedError:
        signals.task_finished.send(sender=backend, task_result=result)
    else:
        signals.task_finished.send(sender=backend, task_result=result)
