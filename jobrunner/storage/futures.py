"""What a program that waits for many tasks asks: where each stands; and to cancel the unbegun."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.core.unique import WAITING
from jobrunner.storage import bulk, control
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.tables import tasks


def standing(transaction: Connection, ids: Sequence[TaskId]) -> dict[TaskId, Status]:
    """The status of each task; what is not stored is left out."""
    query = select(tasks.c.id, tasks.c.status)
    return {
        TaskId(task_id): Status(status)
        for some in chunks(sorted(ids))
        for task_id, status in transaction.execute(query.where(tasks.c.id.in_(some)))
    }


def cancel_unbegun(
    transaction: Connection, ids: Sequence[TaskId], *, now: datetime
) -> list[TaskId]:
    """Cancel those of these tasks that wait, and leave the others as they are; returns which.

    What depends on one of them, and is cancelled with it, counts.
    """
    lock_tasks(transaction, bulk.around(transaction, ids))
    waiting = [one for one, status in standing(transaction, ids).items() if status in WAITING]
    for task_id in waiting:
        if standing(transaction, [task_id])[task_id] in WAITING:  # not gone with an earlier one
            control.cancel(transaction, task_id, now=now)
    return waiting
