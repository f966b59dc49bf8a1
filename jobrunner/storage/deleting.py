"""Delete tasks with all that is stored of them; never one that runs or that a live one needs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, select

from jobrunner.core.bulk import Refused
from jobrunner.core.errors import JobrunnerError
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.storage import acts, control
from jobrunner.storage.chunks import chunks
from jobrunner.storage.prune import BATCH_LIVES_ON, remove
from jobrunner.storage.tables import dependencies, tasks

_NAMED: Final = 3
"""Dependents that are named where a task is not deleted for them."""

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_STATUSES: Final = select(tasks.c.id, tasks.c.status).where(tasks.c.id.in_(_IDS)).with_for_update()
_LIVE: Final = (
    select(dependencies.c.parent_id, dependencies.c.dependent_id)
    .join(tasks, tasks.c.id == dependencies.c.dependent_id)
    .where(dependencies.c.parent_id.in_(_IDS), tasks.c.finished_at.is_(None))
    .order_by(dependencies.c.dependent_id)
)

_COUNTED: Final = select(tasks.c.id, tasks.c.batch_id).where(tasks.c.id.in_(_IDS), BATCH_LIVES_ON)


class _Known(NamedTuple):
    """What there is to know of tasks before they are deleted."""

    statuses: dict[int, Status]
    live: dict[int, set[int]]
    """Dependents that have not ended, by the tasks that they need."""
    batches: dict[int, int]
    """Batches that have not ended, by the tasks that they ask for."""

    def may_go(self, task_id: int) -> bool:
        """Whether nothing but its dependents can be in the way."""
        return self.statuses[task_id] is not Status.IN_PROGRESS and task_id not in self.batches


def delete(
    transaction: Connection, ids: Sequence[TaskId], *, now: datetime
) -> tuple[int, list[Refused]]:
    """Delete these tasks as far as that is allowed; tells how many, and which were left, and why.

    One that has not started is cancelled first, with all that follows from such an end. One that
    only others of `ids` need goes together with them.
    """
    possible = [task_id for task_id in dict.fromkeys(ids) if may_be_id(task_id)]
    known = _Known({}, {}, {})
    for some in chunks(sorted(possible)):
        for task_id, status in transaction.execute(_STATUSES, {"ids": some}):
            known.statuses[task_id] = Status(status)
        for parent, dependent in transaction.execute(_LIVE, {"ids": some}):
            known.live.setdefault(parent, set()).add(dependent)
        for task_id, batch_id in transaction.execute(_COUNTED, {"ids": some}):
            known.batches[task_id] = batch_id
    going = _free(known)
    for task_id in going:
        if not known.statuses[task_id].is_final:
            control.cancel(transaction, task_id, now=now)
    deleted = sum(
        remove(transaction, select(tasks.c.id).where(tasks.c.id.in_(some)), {})
        for some in chunks(going)
    )
    acts.gone(transaction, [(task_id, known.statuses[task_id]) for task_id in going], now=now)
    kept = set(ids) - set(going)
    return deleted, [Refused(t, _reason(t, known)) for t in ids if t in kept]


def _free(known: _Known) -> list[TaskId]:
    """Those that nobody needs, or only others that go as well; dependents before their parents."""
    going: dict[TaskId, None] = {}
    left = sorted(filter(known.may_go, known.statuses), reverse=True)
    freed = True
    while freed:
        freed = False
        for task_id in left:
            if not known.live.get(task_id, set()) - going.keys():
                going[TaskId(task_id)] = None
                freed = True
        left = [task_id for task_id in left if task_id not in going]
    return list(going)


def _reason(task_id: int, known: _Known) -> str:
    if task_id not in known.statuses:
        return "does not exist"
    if known.statuses[task_id] is Status.IN_PROGRESS:
        return "is in progress; cancel it first"
    if task_id in known.batches:
        return f"is counted by batch {known.batches[task_id]}, which has not ended"
    needed_by = sorted(known.live[task_id])
    listed = ", ".join(map(str, needed_by[:_NAMED]))
    more = f" and {len(needed_by) - _NAMED} more" if len(needed_by) > _NAMED else ""
    return f"is needed by task {listed}{more}, which has not ended"


def why(error: JobrunnerError) -> str:
    """What an error says of a task, as the end of a sentence that names it."""
    text = str(error)
    _, named, rest = text.partition(f"task {getattr(error, 'task_id', '')} ")
    return rest if named else "does not exist"
