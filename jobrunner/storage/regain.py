"""Whether tasks that have ended may have their unique keys again, and who has them meanwhile."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from jobrunner.core.errors import TaskStateError
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.core.unique import WAITING
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import lock_keys
from jobrunner.storage.tables import tasks
from jobrunner.storage.unique import IDS, bits, holders, let_go

_OWN: Final = select(
    tasks.c.id, tasks.c.unique_key, tasks.c.unique_in, tasks.c.unique_until, tasks.c.attempt
).where(tasks.c.id.in_(IDS), tasks.c.unique_key.is_not(None))


def take_again(transaction: Connection, ids: Sequence[int], *, now: datetime) -> None:
    """Let tasks that have ended have their keys again, before they are made live.

    A key whose time is over is let go of, and that of one that was unique while it waited.

    Raises:
        TaskStateError: another task has the key by now.
    """
    wanted, over = _wanted(transaction, ids, now=now)
    lock_keys(transaction, wanted)
    let_go(transaction, over)
    for key, holder in holders(transaction, sorted(wanted), now=now).items():
        if holder.id != wanted[key]:
            raise _taken(wanted[key], key, holder.id)


def rival(transaction: Connection, task_id: TaskId, *, now: datetime) -> TaskId | None:
    """The task that has the key of this one by now, and keeps it from a retry."""
    wanted, _ = _wanted(transaction, [task_id], now=now)
    held = holders(transaction, sorted(wanted), now=now, only_looks=True)
    return next((one.id for one in held.values() if one.id != task_id), None)


def _wanted(
    transaction: Connection, ids: Sequence[int], *, now: datetime
) -> tuple[dict[str, int], list[int]]:
    """Which keys tasks are to have again, and which of them are to let go of theirs."""
    wanted: dict[str, int] = {}
    over: list[int] = []
    for some in chunks([task_id for task_id in ids if may_be_id(task_id)]):
        for task_id, key, within, until, attempt in transaction.execute(_OWN, {"ids": some}).all():
            if (until is not None and until <= now) or (attempt and within == bits(WAITING)):
                over.append(task_id)
            elif wanted.setdefault(key, task_id) != task_id:
                raise _taken(task_id, key, wanted[key])
    return wanted, over


def _taken(task_id: int, key: str, holder: int) -> TaskStateError:
    return TaskStateError(
        task_id,
        f"has the unique key {key!r}, which task {holder} has by now",
        hint=f"Let that one end first, or cancel it: jobrunner task cancel {holder}.",
    )
