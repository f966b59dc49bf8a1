"""Batches: members, and callbacks that wait for them over edges like any other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Connection,
    RowMapping,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)

from jobrunner.core.batch import (
    RULES,
    Batch,
    BatchEndedError,
    BatchNotFoundError,
    Callbacks,
    check_new,
    given,
)
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dependents import settle_dependents
from jobrunner.storage.dialect import lock_tasks
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.parents import Membership
from jobrunner.storage.prepared import Insert
from jobrunner.storage.rows import Row
from jobrunner.storage.tables import dependencies, tasks
from jobrunner.storage.traces import batches

KEPT: Final = timedelta(days=7)
"""How long a batch is kept of which no task is left."""

PRUNE_AT_ONCE: Final = 1_000

_INSERT_EDGES: Final = Insert(dependencies, ("parent_id", "dependent_id", "on_failure"))
_WAITING: Final = {Status.BLOCKED, Status.CANCELLED}
"""Where a callback of a batch that has not ended may stand."""


def create(
    transaction: Connection,
    members: Sequence[NewTask[Any]],
    callbacks: Callbacks,
    *,
    description: str,
    now: datetime,
) -> tuple[int, list[Row]]:
    """Store a batch with all of its tasks; returns its id and the rows, of members first.

    Raises:
        InvalidTaskError: a task cannot be stored.
    """
    called = given(callbacks)
    check_new(members, [*called.values()])
    made = insert(batches).values(description=description, created_at=now).returning(batches.c.id)
    batch_id: int = transaction.execute(made).scalar_one()
    rules = {task: RULES[name] for name, task in called.items()}
    membership = Membership(batch_id, rules)
    rows = enqueue(transaction, [*members, *rules], now=now, membership=membership)
    ids = {f"{name}_id": row["id"] for name, row in zip(called, rows[len(members) :], strict=True)}
    if ids:
        transaction.execute(update(batches).where(batches.c.id == batch_id).values(**ids))
    return batch_id, rows


def add(
    transaction: Connection, batch_id: int, new: Sequence[NewTask[Any]], *, now: datetime
) -> list[Row]:
    """Store more members of a batch that has not ended; its callbacks wait for them as well.

    Raises:
        BatchNotFoundError: there is no such batch.
        BatchEndedError: no member of it is open.
        InvalidTaskError: a task cannot be stored.
    """
    check_new(new, ())
    batch = get(transaction, batch_id)
    callbacks = {task_id: rule for task_id, rule in _callbacks(batch) if task_id is not None}
    # Whoever ends the last member waits for these locks, and then sees the new edges
    # (guarded by test_a_batch_that_grows_while_it_ends_either_grows_or_has_ended).
    lock_tasks(transaction, sorted(callbacks))
    statuses = _statuses(transaction, list(callbacks))
    if get(transaction, batch_id).ended or not {*statuses.values()} <= _WAITING:
        raise BatchEndedError(batch_id)
    rows = enqueue(transaction, new, now=now, membership=Membership(batch_id))
    links = [
        (row["id"], to, rule) for row in rows for to, rule in callbacks.items() if to in statuses
    ]
    _INSERT_EDGES.run(transaction, links)
    transaction.execute(
        update(tasks)
        .where(tasks.c.id.in_(statuses), tasks.c.status == literal_column("'blocked'"))
        .values(waiting_on=tasks.c.waiting_on + len(rows))
    )
    over = {row["id"]: Status(row["status"]) for row in rows if Status(row["status"]) in FINAL}
    settle_dependents(transaction, over, now=now)
    return rows


def _callbacks(batch: Batch) -> list[tuple[TaskId | None, str]]:
    return [(getattr(batch, name), rule) for name, rule in RULES.items()]


def _statuses(transaction: Connection, ids: Sequence[TaskId]) -> dict[TaskId, Status]:
    query = select(tasks.c.id, tasks.c.status).where(tasks.c.id.in_(ids))
    return {TaskId(task_id): Status(status) for task_id, status in transaction.execute(query)}


def get(transaction: Connection, batch_id: int) -> Batch:
    """Read one batch.

    Raises:
        BatchNotFoundError: there is no such batch.
    """
    found: Sequence[RowMapping] = ()
    if may_be_id(batch_id):
        query = select(batches).where(batches.c.id == batch_id)
        found = transaction.execute(query).mappings().all()
    if not found:
        raise BatchNotFoundError(batch_id)
    return _read(transaction, found)[0]


def find(transaction: Connection, *, before: int | None = None, limit: int = 50) -> list[Batch]:
    """The newest batches, newest first; `before` goes on below an id."""
    query = select(batches).order_by(batches.c.id.desc()).limit(limit)
    if may_be_id(before):
        query = query.where(batches.c.id < before)
    return _read(transaction, transaction.execute(query).mappings().all())


def _read(transaction: Connection, rows: Sequence[RowMapping]) -> list[Batch]:
    counts: dict[int, dict[Status, int]] = {row["id"]: dict.fromkeys(Status, 0) for row in rows}
    for some in chunks(list(counts)):
        query = (
            select(tasks.c.batch_id, tasks.c.status, func.count())
            .where(tasks.c.batch_id.in_(some))
            .group_by(tasks.c.batch_id, tasks.c.status)
        )
        for batch_id, status, number in transaction.execute(query):
            counts[batch_id][Status(status)] = number
    return [
        Batch(
            id=row["id"],
            description=row["description"],
            created_at=row["created_at"],
            on_success=row["on_success_id"],
            on_failure=row["on_failure_id"],
            on_end=row["on_end_id"],
            tasks=counts[row["id"]],
        )
        for row in rows
    ]


def of_task(transaction: Connection, task_id: int) -> int | None:
    """The batch that a task is a member of."""
    found: int | None = transaction.scalar(select(tasks.c.batch_id).where(tasks.c.id == task_id))
    return found


_CALLBACK_IDS: Final = [batches.c[f"{name}_id"] for name in RULES]
_LEFT: Final = exists(select(tasks.c.id).where(tasks.c.id.in_(_CALLBACK_IDS)))
_MEMBER: Final = exists(select(tasks.c.id).where(tasks.c.batch_id == batches.c.id))


def forgotten(transaction: Connection, *, now: datetime) -> list[int]:
    """Old batches of which no task is left: it had ended, and so no task can come to it."""
    query = (
        select(batches.c.id)
        .where(batches.c.created_at < now - KEPT, ~_MEMBER, ~_LEFT)
        .order_by(batches.c.id)
        .limit(literal_column(str(PRUNE_AT_ONCE)))
    )
    return list(transaction.scalars(query))


def forget(transaction: Connection, ids: Sequence[int]) -> None:
    """Delete batches that nothing is left of."""
    for some in chunks(ids):
        transaction.execute(delete(batches).where(batches.c.id.in_(some)))
