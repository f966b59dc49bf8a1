"""How the parents of new tasks stand, from the look to the end of the transaction."""

from sqlalchemy import Connection, select

from jobrunner.core.errors import UnknownParentError
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.storage.chunks import chunks
from jobrunner.storage.tables import tasks


def statuses(transaction: Connection, ids: set[TaskId]) -> dict[TaskId, Status]:
    """The statuses of stored tasks.

    Raises:
        UnknownParentError: one of them is not there.
    """
    found: dict[TaskId, Status] = {}
    # Locked, so that no parent ends between this look and the edge that waits for it.
    # In one order, so that no two wait for each other.
    query = select(tasks.c.id, tasks.c.status).order_by(tasks.c.id).with_for_update(read=True)
    for chunk in chunks(sorted(ids)):
        for task_id, status in transaction.execute(query.where(tasks.c.id.in_(chunk))):
            found[TaskId(task_id)] = Status(status)
    for missing in sorted(ids - found.keys()):
        raise UnknownParentError(missing)
    return found
