"""How long the last runs of a function took."""

from typing import Final

from sqlalchemy import Connection, select

from jobrunner.core.insight import Listing, RunSpan
from jobrunner.core.task import TaskId
from jobrunner.storage import ends
from jobrunner.storage.tables import attempts, tasks

AMONG: Final = 20_000
"""The newest attempts, of any function, among which the runs of one are looked for."""


def spans(transaction: Connection, function: str, *, limit: int) -> Listing[RunSpan]:
    """The last runs of a function, oldest first, among the newest 20,000 attempts of all."""
    above = ends.newest(transaction) - AMONG
    query = (
        select(attempts.c.task_id, attempts.c.outcome, attempts.c.started_at, attempts.c.ended_at)
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.id > above, tasks.c.function == function)
        .order_by(attempts.c.id.desc())
        .limit(limit)
    )
    found = [
        RunSpan(
            task_id=TaskId(task_id),
            outcome=outcome,
            started_at=started_at,
            run_s=(ended_at - started_at).total_seconds(),
        )
        for task_id, outcome, started_at, ended_at in transaction.execute(query)
    ]
    is_cut = len(found) < limit and ends.newest(transaction, above) > 0
    return Listing(tuple(found[::-1]), is_cut)
