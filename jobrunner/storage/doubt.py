"""Whether what a COMMIT that raised was to store is there all the same."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Ended
from jobrunner.core.task import TaskId, Token
from jobrunner.storage import unique
from jobrunner.storage.chunks import chunks
from jobrunner.storage.payloads import WHOLE
from jobrunner.storage.rows import Row
from jobrunner.storage.tables import attempts, tasks
from jobrunner.storage.types import EPOCH

_AS_GIVEN: Final = ("queue", "function", "command", "args", "kwargs", "description")
"""What a task keeps from its enqueueing, whatever has become of it since."""
_GIVEN: Final = select(
    *(WHOLE[name] if name in WHOLE else tasks.c[name] for name in _AS_GIVEN),
    tasks.c.created_at,
    tasks.c.run_at,
    tasks.c.attempt,
)


def has_arrived(transaction: Connection, new: Sequence[NewTask[Any]], rows: Sequence[Row]) -> bool:
    """Whether a call of `enqueue` that gave these rows has been committed.

    All of it was or nothing: one task that was stored, or replaced, tells for all. Where the call
    only found others there is nothing to look for.
    """
    unique.lock(transaction, new)  # a server may still be about it: until it has ended
    written = [row for row in rows if not row["is_duplicate"]]
    if written:
        return is_stored(transaction, written[0])
    replaced = (row["written"] for row in rows if row.get("written"))
    first = next(replaced, None)
    return first is None or _is_replaced(transaction, first)


def is_stored(transaction: Connection, row: Row) -> bool:
    """Whether a task is there as it was written.

    The ids alone do not tell: when it was rolled back, they went to whoever came next.
    """
    found = _found(transaction, row)
    return found is not None and found.created_at == _moment(row["created_at"])


def _is_replaced(transaction: Connection, row: Row) -> bool:
    found = _found(transaction, row)
    was_started = found is not None and found.attempt > row["attempt"]
    return found is not None and (was_started or found.run_at == _moment(row["run_at"]))


def _found(transaction: Connection, row: Row) -> Any:
    found = transaction.execute(_GIVEN.where(tasks.c.id == row["id"])).one_or_none()
    if found is None or any(getattr(found, name) != row[name] for name in _AS_GIVEN):
        return None
    return found


def _moment(microseconds: int) -> Any:
    return EPOCH + timedelta(microseconds=microseconds)


_KNOWN: Final = select(attempts.c.task_id, attempts.c.token).where(
    attempts.c.task_id.in_(bindparam("ids", expanding=True))
)


def already_settled(transaction: Connection, ended: Sequence[Ended]) -> set[tuple[TaskId, Token]]:
    """Which of these are in the history: how a COMMIT that raised is found to have worked."""
    found: set[tuple[TaskId, Token]] = set()
    for chunk in chunks([end.lease.task_id for end in ended]):
        for task_id, token in transaction.execute(_KNOWN, {"ids": chunk}):
            found.add((task_id, token))
    return found
