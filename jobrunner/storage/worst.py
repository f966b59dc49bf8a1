"""The attempts that took longest, and those that were in vain, by what went wrong."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, literal_column, select

from jobrunner.core.fingerprint import LONGEST, fingerprint
from jobrunner.core.report import WASTED
from jobrunner.core.report_detail import FailedRuns, SlowRun
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.storage.account import NAME, RUN, name_of
from jobrunner.storage.names import NAMING
from jobrunner.storage.names import name_of as task_name
from jobrunner.storage.schema import one_of
from jobrunner.storage.tables import attempts, tasks

LOOKED_AT: Final = 20_000
"""The newest attempts that failed, of which groups are made."""

MOST_IDS: Final = 5

_AT: Final = (
    attempts.c.task_id,
    attempts.c.outcome,
    attempts.c.started_at,
    attempts.c.ended_at,
)


def slowest(transaction: Connection, *, limit: int, since: datetime | None = None) -> list[SlowRun]:
    """The attempts that took longest, the longest first."""
    longest = select(attempts.c.id).order_by(RUN.desc(), attempts.c.id).limit(limit)
    if since is not None:
        longest = longest.where(attempts.c.ended_at >= since)
    query = (
        select(
            *_AT,
            attempts.c.ready_at,
            attempts.c.number,
            attempts.c.worker_id,
            tasks.c.queue,
            *NAMING,
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(attempts.c.id.in_(longest.scalar_subquery()))
        .order_by(RUN.desc(), attempts.c.id)
    )
    return [_slow(*row) for row in transaction.execute(query)]


def _slow(
    task_id: int, outcome: str, started_at: datetime, ended_at: datetime, *rest: Any
) -> SlowRun:
    ready_at, attempt, worker_id, queue, *naming = rest
    return SlowRun(
        task_id=TaskId(task_id),
        name=task_name(*naming),
        queue=queue,
        worker_id=worker_id,
        number=attempt,
        outcome=outcome,
        started_at=started_at,
        wait_s=max(0.0, (started_at - ready_at).total_seconds()),
        run_s=max(0.0, (ended_at - started_at).total_seconds()),
    )


@dataclass(slots=True)
class _Group:
    """Attempts that went wrong in the same way; the newest comes first."""

    name: str
    error: str
    last_at: datetime
    first_at: datetime
    outcomes: Counter[str] = field(default_factory=Counter[str])
    statuses: dict[int, str] = field(default_factory=dict[int, str])

    def told(self) -> FailedRuns:
        """The same as it is shown."""
        return FailedRuns(
            name=self.name,
            error=self.error,
            outcomes=dict(self.outcomes),
            tasks=len(self.statuses),
            for_good=sum(status == Status.FAILED for status in self.statuses.values()),
            first_at=self.first_at,
            last_at=self.last_at,
            ids=tuple(TaskId(task_id) for task_id in [*self.statuses][:MOST_IDS]),
        )


def failed_runs(
    transaction: Connection, *, limit: int, since: datetime | None = None
) -> tuple[list[FailedRuns], bool]:
    """At most so many groups, the largest first, of the newest 20,000 attempts in vain.

    Returns whether there were more attempts.
    """
    groups: dict[str, _Group] = {}
    looked_at = 0
    for looked_at, row in enumerate(_in_vain(transaction, since), 1):
        if looked_at > LOOKED_AT:
            break
        _note(groups, *row)
    largest = sorted(groups.values(), key=lambda one: -one.outcomes.total())
    return [one.told() for one in largest[:limit]], looked_at > LOOKED_AT


def _note(
    groups: dict[str, _Group],
    task_id: int,
    outcome: str,
    started_at: datetime,
    ended_at: datetime,
    *rest: Any,
) -> None:
    name, error, status = rest
    key = fingerprint(name, error)
    group = groups.get(key)
    if group is None:
        group = groups[key] = _Group(name_of(name), error or "", ended_at, ended_at)
    group.first_at = min(group.first_at, started_at)
    group.outcomes[outcome] += 1
    group.statuses[task_id] = status


def _in_vain(transaction: Connection, since: datetime | None) -> Iterator[Any]:
    query = (
        select(
            *_AT,
            NAME.label("of_group"),
            func.substr(attempts.c.error, literal_column("1"), literal_column(str(LONGEST))),
            tasks.c.status,
        )
        .join(tasks, tasks.c.id == attempts.c.task_id)
        .where(literal_column(f"({one_of('outcome', *WASTED)})"))
        .order_by(attempts.c.id.desc())
        .limit(LOOKED_AT + 1)
    )
    if since is not None:
        query = query.where(attempts.c.ended_at >= since)
    yield from transaction.execute(query)
