"""Take tasks to run: one conditional UPDATE, so that each is picked up once."""

import operator
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    bindparam,
    cast,
    exists,
    literal_column,
    select,
    type_coerce,
    union_all,
    update,
)

from jobrunner.core.task import Lease, Token, WorkerId
from jobrunner.storage import clauses, payloads
from jobrunner.storage.tables import tasks, workers
from jobrunner.storage.types import Long, Number

AT_ONCE: Final = 1_000
"""The most that one statement takes. It stands in the text: a server's generic plan takes a bound
limit for a tenth of all that are pending, and then prefers to read the whole table."""

_AGE: Final = operator.attrgetter("task_id")
_PRIORITY: Final = operator.attrgetter("priority")


def no_bare_limit(limit: ColumnElement[int]) -> ColumnElement[int]:
    """A bound limit as a sum: SQLite compiles a statement anew whenever a bare one is set.

    That takes ten times as long as a claim that finds nothing.
    """
    return limit + literal_column("0", Integer)


_LIMIT: Final = no_bare_limit(bindparam("limit", type_=Integer))

# Locked on a server: whoever declares the worker lost waits for this claim, and sees what it took.
_ALIVE: Final = exists(
    select(workers.c.id)
    .where(workers.c.id == bindparam("worker"), clauses.MAY_CLAIM)
    .with_for_update(read=True)
)
TAKEN: Final[Mapping[str, Any]] = {
    "status": literal_column("'in_progress'"),
    "attempt": tasks.c.attempt + 1,
    "worker_id": bindparam("worker"),
    "token": bindparam("new_token"),
    "started_at": bindparam("now"),
}
"""What a claim makes of a task, whichever way it was chosen."""

# Asked of what was chosen, not of all that wait: what is past its expiry was ended before, unless
# it has only just come to that (guarded by test_a_claim_takes_nothing_that_has_expired).
_IN_TIME: Final = clauses.IN_TIME
_SAME_NAME: Final = Lease._fields[1:-3]
# As plain numbers: SQLAlchemy calls a function for each value that has a type of ours.
LEASE_COLUMNS: Final = (
    tasks.c.id,
    *(tasks.c[name] for name in _SAME_NAME),
    (cast(tasks.c.timeout, Number) / literal_column("1e6", Number)).label("timeout"),
    type_coerce(tasks.c.run_at, Long).label("ready_at"),
    literal_column("NULL", Text).label("extras"),  # they lie apart, if there are any: `payloads`
)


def claim(
    transaction: Connection,
    *,
    worker_id: WorkerId,
    token: Token,
    limit: int,
    now: datetime,
    queues: Sequence[str] = (),
    priority: int | None = None,
    never_crashed: bool = False,
) -> list[Lease]:
    """Claim up to `limit` pending tasks, highest priority first, then oldest.

    The attempt is counted here, so that a crash counts. `queues` limits the choice to some
    queues, `priority` to one priority, `never_crashed` to tasks that never took a process
    down. `token` must be new for every call. A worker that was declared lost, or
    is paused, gets nothing, and nobody gets what has expired.
    """
    queues = list(dict.fromkeys(queues))
    statement = _statement(_Shape(len(queues), priority is not None, never_crashed))
    values = {
        "worker": worker_id,
        "new_token": token,
        "now": now,
        "only_priority": priority,
        **{f"queue_{number}": queue for number, queue in enumerate(queues)},
    }
    leases: list[Lease] = []
    while len(leases) < limit:
        wanted = min(AT_ONCE, limit - len(leases))
        found = transaction.execute(statement, values | {"limit": wanted}).all()
        leases += [Lease._make(row) for row in found]
        if len(found) < wanted:
            break
    leases = payloads.whole(transaction, leases)
    leases.sort(key=_AGE)
    leases.sort(key=_PRIORITY, reverse=True)
    return leases


_HELD: Final = select(*LEASE_COLUMNS).where(
    clauses.IS_RUNNING,
    tasks.c.worker_id == bindparam("worker"),
    tasks.c.token == bindparam("held_token"),
)


def claimed_with(transaction: Connection, worker_id: WorkerId, token: Token) -> list[Lease]:
    """What a claim with this token took: how a COMMIT that raised is found to have worked."""
    found = transaction.execute(_HELD, {"worker": worker_id, "held_token": token})
    return payloads.whole(transaction, [Lease._make(row) for row in found])


class _Shape(NamedTuple):
    """What distinguishes one text of the statement from another."""

    queues: int
    one_priority: bool
    never_crashed: bool


def _candidates(queue: str | None, shape: _Shape) -> Any:
    query = select(tasks.c.id, tasks.c.status, tasks.c.priority).where(clauses.IS_PLAIN)
    if queue is not None:
        query = query.where(tasks.c.queue == bindparam(queue))
    if shape.one_priority:
        # Not `=`: a server would see no order in one priority, and go by id through all history.
        only = bindparam("only_priority", type_=Integer)
        query = query.where(tasks.c.priority.between(only, only))
    if shape.never_crashed:
        query = query.where(tasks.c.crashes == literal_column("0"))
    most = (
        query.order_by(tasks.c.priority.desc(), tasks.c.id)
        .limit(literal_column(str(AT_ONCE)))
        .with_for_update(skip_locked=True)
        .subquery()
    )
    return select(most).limit(_LIMIT)


def _chosen(shape: _Shape) -> Any:
    """The tasks to claim. Each queue offers its own best, so that each uses its index.

    Chosen once, before the UPDATE begins: a plan that chose again for each row would skip its
    own locked rows and claim more than the limit.
    """
    names: list[str | None] = [f"queue_{number}" for number in range(shape.queues)]
    offers = [_candidates(name, shape).subquery() for name in names or [None]]
    best = offers[0]
    if len(offers) > 1:
        best = union_all(*(select(offer) for offer in offers)).subquery()
    chosen = select(best.c.id, best.c.status)
    if len(offers) > 1:
        chosen = chosen.order_by(best.c.priority.desc(), best.c.id)
        chosen = chosen.limit(_LIMIT)
    return chosen.cte("chosen").prefix_with("MATERIALIZED")


_statements: dict[_Shape, Any] = {}


def _statement(shape: _Shape) -> Any:
    """The UPDATE, built once for each shape."""
    if shape not in _statements:
        _statements[shape] = taking(_chosen(shape))
    return _statements[shape]


def taking(chosen: Any) -> Any:
    """The UPDATE that claims what is `chosen`, by its id and status."""
    # The status is compared, not named: where it is named, a server whose statistics are old
    # may go through all that are pending for each one chosen.
    statement: Any = update(tasks)
    return (
        statement.where(tasks.c.id == chosen.c.id, tasks.c.status == chosen.c.status, _ALIVE)
        .where(_IN_TIME)
        .values(**TAKEN)
        .returning(*LEASE_COLUMNS)
    )
