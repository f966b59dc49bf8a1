"""Results of tasks that may stand for those of equal ones: found, noted, forgotten."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, literal_column, select, text, update

from jobrunner.core.outcome import Cached, Ended, Kept
from jobrunner.storage.traces import cached_results
from jobrunner.storage.types import Moment, micros

KEPT_FOR: Final = timedelta(days=30)
"""How long a result is kept that nobody uses."""

PRUNE_AT_ONCE: Final = 500


class Entry(NamedTuple):
    """A result, and the files that its task made with what identifies their content, as JSON."""

    result: str | None
    outputs: str | None


_FIND: Final = select(cached_results.c.result, cached_results.c.outputs).where(
    cached_results.c.key == bindparam("wanted")
)


def find(transaction: Connection, key: str) -> Entry | None:
    """What an equal task has left, if one has completed."""
    found = transaction.execute(_FIND, {"wanted": key}).first()
    return None if found is None else Entry._make(found)


_KEEP: Final = text(
    "INSERT INTO cached_results (key, task_id, result, outputs, stored_at, used_at)"
    " VALUES (:wanted, :task, :result, :outputs, :now, :now)"
    " ON CONFLICT (key) DO UPDATE SET task_id = excluded.task_id, result = excluded.result,"
    " outputs = excluded.outputs, stored_at = excluded.stored_at, used_at = excluded.used_at"
)
_USE: Final = (
    update(cached_results)
    .where(cached_results.c.key == bindparam("wanted"))
    .values(used_at=bindparam("now", type_=Moment))
)


def note(transaction: Connection, settled: Sequence[Ended], *, now: datetime) -> None:
    """Keep results that were made for it, and note which were used.

    In the order of their keys, so that no two settlements wait for each other.
    """
    of_keys = {
        end.outcome.key: (end.lease.task_id, end.outcome)
        for end in settled
        if isinstance(end.outcome, Kept | Cached)
    }
    for key, (task_id, outcome) in sorted(of_keys.items()):
        if isinstance(outcome, Kept):
            values = {"result": outcome.result, "outputs": outcome.outputs, "now": micros(now)}
            transaction.execute(_KEEP, {"wanted": key, "task": task_id, **values})
        else:
            transaction.execute(_USE, {"wanted": key, "now": now})


def prune(transaction: Connection, *, now: datetime) -> int:
    """Forget results that nobody has used for long, a bounded number at once; returns how many."""
    old = (
        select(cached_results.c.key)
        .where(cached_results.c.used_at < now - KEPT_FOR)
        .order_by(cached_results.c.used_at)
        .limit(literal_column(str(PRUNE_AT_ONCE)))
        .with_for_update(skip_locked=True)
        .cte("old")
        .prefix_with("MATERIALIZED")  # chosen once: see `claim`
    )
    return transaction.execute(
        delete(cached_results).where(cached_results.c.key.in_(select(old.c.key)))
    ).rowcount
