"""Give a task that waits other work, in its own place: what `replace` makes of a conflict."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Table, delete

from jobrunner.core.status import TO_CLAIM, Status
from jobrunner.core.transition import REPLACED
from jobrunner.storage import acts, notices, payloads
from jobrunner.storage.chunks import chunks
from jobrunner.storage.prepared import Update
from jobrunner.storage.tables import payloads as apart_from_tasks
from jobrunner.storage.tables import progress, tasks
from jobrunner.storage.traces import event_waits, task_steps
from jobrunner.storage.types import EPOCH, MICROSECOND
from jobrunner.storage.unique import Holder

GIVEN: Final = (
    "queue",
    "priority",
    "run_at",
    "max_attempts",
    "timeout",
    "function",
    "command",
    "cwd",
    "args",
    "kwargs",
    "description",
    "lane",
    "expires_at",
)
"""What a later task of a key gives to the one that waits."""

_in_order: Final = itemgetter("id", "status", *GIVEN)
_REPLACE: Final = Update(
    tasks,
    match=("id",),
    set_=("status", *GIVEN),
    also="crashes = 0, error = NULL",
    returning="id",
)
_LEFT_BEHIND: Final = (progress, task_steps, event_waits)
_APART: Final = (apart_from_tasks,)


def replace(
    transaction: Connection, given: Mapping[Holder, dict[str, Any]], *, now: int
) -> dict[int, dict[str, Any]]:
    """Write the rows of new tasks over those that wait; returns what was written, by id.

    Id, parents, dependents and the moment it was stored stay. It begins anew: with all of its
    attempts before it, and without what an attempt at the work before has left behind.
    """
    written: dict[int, dict[str, Any]] = {}
    for holder, row in given.items():
        status = Status.SCHEDULED if row["run_at"] > now else Status.PENDING
        if holder.status is Status.BLOCKED:
            status = Status.BLOCKED
        attempts = holder.attempt + row["max_attempts"]
        written[holder.id] = {
            **row,
            "status": status.value,
            "attempt": holder.attempt,
            "max_attempts": attempts,
        }
    _delete(transaction, _LEFT_BEHIND, [holder.id for holder in given if holder.attempt])
    _delete(transaction, _APART, list(written))
    short, apart = payloads.split(list(written.values()))
    _note(transaction, given, written, now=now)
    _REPLACE.run(transaction, [_in_order(row) for row in short])
    payloads.put(transaction, apart)
    queues = {row["queue"] for row in written.values() if row["status"] in TO_CLAIM}
    notices.work(transaction, queues)
    return written


def _note(
    transaction: Connection,
    given: Iterable[Holder],
    written: Mapping[int, Mapping[str, Any]],
    *,
    now: int,
) -> None:
    """Write down what may matter to who asks later: not each time that one is put off again."""
    at = EPOCH + now * MICROSECOND
    for holder in given:
        status = Status(written[holder.id]["status"])
        if holder.status is Status.PENDING or holder.status is not status:
            acts.note(transaction, [holder.id], REPLACED, now=at, status=status, once=True)


def _delete(transaction: Connection, tables: Iterable[Table], ids: Sequence[int]) -> None:
    for some in chunks(ids):
        for table in tables:
            transaction.execute(delete(table).where(table.c.task_id.in_(some)))
