"""What happened behind a cursor: tasks that were stored, attempts that ended."""

from typing import Any, Final

from sqlalchemy import Connection, literal_column, select

from jobrunner.core.insight import Changes, Cursor, EndedAttempt, Enqueued
from jobrunner.core.status import Status
from jobrunner.core.task import TASK_IDS, TaskId, WorkerId
from jobrunner.storage import ends
from jobrunner.storage.names import NAMING, name_of
from jobrunner.storage.tables import attempts, tasks

_NEWEST: Final = (
    select(tasks.c.id)
    .where(tasks.c.id <= literal_column(str(TASK_IDS[-1])))
    .order_by(tasks.c.id.desc())
    .limit(literal_column("1"))
)
_ENQUEUED: Final = select(tasks.c.id, tasks.c.queue, tasks.c.status, *NAMING).order_by(
    tasks.c.id.desc()
)
_ENDED: Final = (
    select(
        attempts.c.task_id,
        tasks.c.status,
        attempts.c.worker_id,
        attempts.c.number,
        attempts.c.outcome,
        attempts.c.started_at,
        attempts.c.ended_at,
        *NAMING,
    )
    .join(tasks, tasks.c.id == attempts.c.task_id)
    .order_by(attempts.c.id.desc())
)


def changes(transaction: Connection, cursor: Cursor | None, *, limit: int) -> Changes:
    """What happened behind the cursor, the newest `limit` of each kind; without one, from now on.

    On a server an id may be seen after a higher one that was told: that one is never told. The
    counts are right nevertheless, and so is what a page reads.
    """
    here = Cursor(transaction.scalar(_NEWEST) or 0, ends.newest(transaction))
    if cursor is None:
        return Changes(cursor=here, enqueued=[], ended=[])
    new: list[Any] = []
    over: list[Any] = []
    if here.task_id > cursor.task_id:
        query = _ENQUEUED.where(tasks.c.id > cursor.task_id, tasks.c.id <= here.task_id)
        new += transaction.execute(query.limit(limit + 1)).all()
    if here.attempt_id > cursor.attempt_id:
        query = _ENDED.where(attempts.c.id > cursor.attempt_id, attempts.c.id <= here.attempt_id)
        over += transaction.execute(query.limit(limit + 1)).all()
    return Changes(
        cursor=here,
        enqueued=[_enqueued(*row) for row in new[:limit][::-1]],
        ended=[_ended(*row) for row in over[:limit][::-1]],
        is_cut=len(new) > limit or len(over) > limit,
    )


def _enqueued(task_id: int, queue: str, status: str, *naming: Any) -> Enqueued:
    return Enqueued(id=TaskId(task_id), name=name_of(*naming), queue=queue, status=Status(status))


def _ended(task_id: int, status: str, worker_id: str, number: int, *rest: Any) -> EndedAttempt:
    outcome, started_at, ended_at, *naming = rest
    return EndedAttempt(
        task_id=TaskId(task_id),
        name=name_of(*naming),
        status=Status(status),
        worker_id=WorkerId(worker_id),
        number=number,
        outcome=outcome,
        ended_at=ended_at,
        run_s=(ended_at - started_at).total_seconds(),
    )
