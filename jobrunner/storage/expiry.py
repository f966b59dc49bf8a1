"""End tasks that were not started by their `expires_at`."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, literal_column, select, update

from jobrunner.core.status import OPEN, Status
from jobrunner.core.task import TaskId
from jobrunner.core.transition import EXPIRED
from jobrunner.storage import acts, notices, telling
from jobrunner.storage.agenda import WAITS
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.settle import Expired, Settlement
from jobrunner.storage.tables import tasks
from jobrunner.storage.types import Moment

AT_ONCE: Final = 500
"""The most that one call ends: what is left keeps the next moment in the past, and follows."""

_OVER: Final = (
    select(tasks.c.id, tasks.c.expires_at, tasks.c.started_at, tasks.c.status)
    .where(
        tasks.c.expires_at.is_not(None),
        WAITS,
        tasks.c.expires_at <= bindparam("now", type_=Moment),
    )
    .order_by(tasks.c.expires_at)
    .limit(literal_column(str(AT_ONCE)))
    .with_for_update(skip_locked=True)
)
_END: Final = (
    update(tasks)
    .where(tasks.c.id == bindparam("task"))
    .values(
        status=literal_column("'cancelled'"),
        finished_at=bindparam("now", type_=Moment),
        error=bindparam("reason"),
    )
)


def expire(transaction: Connection, settlement: Settlement, *, now: datetime) -> None:
    """End tasks that wait and are past their expiry, a bounded number at once.

    They are cancelled, and their dependents follow; both are added to `settlement`. A task that
    runs is not touched; one that is to run again must do so in time, too.
    """
    late = transaction.execute(_OVER, {"now": now}).all()
    if not late:
        return
    expired = [
        Expired(TaskId(task_id), _reason(expires_at, again=started_at is not None))
        for task_id, expires_at, started_at, _ in late
    ]
    ends = [{"task": task_id, "now": now, "reason": reason} for task_id, reason in expired]
    transaction.execute(_END, ends)
    for was in OPEN:
        some = [task_id for task_id, _, _, status in late if status == was]
        acts.over(transaction, some, was=was, now=now, what=EXPIRED)
    notices.ends(transaction)
    over = {task_id: Status.CANCELLED for task_id, _ in expired}
    telling.tell(transaction, over, now=now)
    settlement.expired.extend(expired)
    settlement.cancelled_dependents.extend(settle_dependents(transaction, over, now=now))


def _reason(expires_at: datetime, *, again: bool) -> str:
    moment = expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"expired: not started {'again ' if again else ''}by {moment}"
