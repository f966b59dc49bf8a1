"""What stands still in a database: counts of open tasks by what they wait for."""

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from jobrunner.core.task import WorkerId
from jobrunner.storage.tables import attempts, tasks, workers

_PENDING: Final = tasks.c.status == literal_column("'pending'")
_IN_PROGRESS: Final = tasks.c.status == literal_column("'in_progress'")
_WAITING: Final = ("blocked", "scheduled", "pending")


class Stuck(NamedTuple):
    """How many tasks are pending in a queue, wait for a function, are in progress at a worker."""

    pending: dict[str, int]
    functions: dict[str, int]
    in_progress: dict[WorkerId, int]
    newest: datetime | None


def look(transaction: Connection) -> Stuck:
    """Count them, and find the newest moment that anybody has stored."""
    functions: dict[str, int] = {}
    for status in _WAITING:  # each by its own index
        which = tasks.c.status == literal_column(f"'{status}'")
        for name, number in _counts(transaction, tasks.c.function, which).items():
            functions[name] = functions.get(name, 0) + number
    in_progress = _counts(transaction, tasks.c.worker_id, _IN_PROGRESS)
    return Stuck(
        _counts(transaction, tasks.c.queue, _PENDING),
        functions,
        {WorkerId(worker_id): number for worker_id, number in in_progress.items()},
        _newest(transaction),
    )


def _counts(
    transaction: Connection, column: ColumnElement[str | None], which: ColumnElement[bool]
) -> dict[str, int]:
    query = select(column, func.count()).where(which, column.is_not(None)).group_by(column)
    return {str(name): number for name, number in transaction.execute(query).all()}


def _newest(transaction: Connection) -> datetime | None:
    """Of the newest rows, so that history costs nothing."""
    queries = (
        select(tasks.c.created_at).order_by(tasks.c.id.desc()).limit(1),
        select(attempts.c.ended_at).order_by(attempts.c.id.desc()).limit(1),
        select(func.max(workers.c.seen_at)),
    )
    found: list[datetime] = [
        moment for query in queries if (moment := transaction.scalar(query)) is not None
    ]
    return max(found, default=None)
