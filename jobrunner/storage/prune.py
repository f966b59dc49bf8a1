"""Delete what has ended long ago, as the retention says or a person: never what lives asks for."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from jobrunner.core.errors import DatabaseError
from jobrunner.core.retention import UNLESS_SAID
from jobrunner.core.status import Status
from jobrunner.storage import acts, retention
from jobrunner.storage.schema import one_of
from jobrunner.storage.tables import dependencies, tasks
from jobrunner.storage.traces import batches, schedule_ticks
from jobrunner.storage.types import Moment

AT_ONCE: Final = 500
"""Tasks that one transaction deletes at most."""


class Chosen(NamedTuple):
    """Which of the ended tasks are looked at; those older than `age`, or than their queue says."""

    age: timedelta | None = None
    status: Status | None = None
    queue: str | None = None
    function: str | None = None


ALL: Final = Chosen()

_child: Final = tasks.alias("child")
_mate: Final = tasks.alias("mate")
_tick: Final = schedule_ticks.alias("tick")
_later: Final = schedule_ticks.alias("later")
_OPEN_MATE: Final = " OR ".join(
    f"mate.{rule}"
    for rule in one_of("status", "blocked", "scheduled", "pending", "in_progress").split(" OR ")
)

HAS_LIVE_DEPENDENT: Final = exists().where(
    dependencies.c.parent_id == tasks.c.id,
    dependencies.c.dependent_id == _child.c.id,
    _child.c.finished_at.is_(None),
)
"""Whether an unfinished task depends on this one: it may ask for its end, or for its result."""

_BATCH_LIVES: Final = exists().where(_mate.c.batch_id == tasks.c.batch_id, text(f"({_OPEN_MATE})"))
_IS_LAST_TICK: Final = exists().where(
    _tick.c.task_id == tasks.c.id,
    ~exists().where(
        _later.c.schedule_id == _tick.c.schedule_id,
        _later.c.tick_at > _tick.c.tick_at,
        _later.c.task_id.is_not(None),
    ),
)
BATCH_LIVES_ON: Final = exists().where(
    _mate.c.batch_id == tasks.c.batch_id, _mate.c.id != tasks.c.id, text(f"({_OPEN_MATE})")
)
"""Whether another member of its batch has not ended: then the batch asks how this one did."""

FREE: Final = (~HAS_LIVE_DEPENDENT, ~_BATCH_LIVES, ~_IS_LAST_TICK)
"""That nothing that lives asks for a task: no dependent, not its batch, not its schedule. One by
one, not as one condition: a server would read all edges and all tasks for it."""


def _is(status: Status) -> ColumnElement[bool]:
    return tasks.c.status == literal_column(f"'{status}'")


def _oldest(status: Status) -> Select[Any, Any]:
    """Each queue that has tasks which ended so, with the moment at which the oldest has.

    Hops from one queue to the next over the index: a few look-ups a queue, whatever the history.
    """
    ended = (_is(status), tasks.c.finished_at.is_not(None))
    first = select(tasks.c.queue).where(*ended).order_by(tasks.c.queue).limit(literal_column("1"))
    found = select(first.scalar_subquery().label("queue")).cte("lines", recursive=True)
    above = first.where(tasks.c.queue > found.c.queue).correlate(found)
    lines = found.union_all(select(above.scalar_subquery()).where(found.c.queue.is_not(None)))
    oldest = (
        select(tasks.c.finished_at)
        .where(*ended, tasks.c.queue == lines.c.queue)
        .order_by(tasks.c.finished_at)
        .limit(literal_column("1"))
        .correlate(lines)
    )
    return select(lines.c.queue, oldest.scalar_subquery()).where(lines.c.queue.is_not(None))


_OLDEST: Final = {status: _oldest(status) for status in UNLESS_SAID}


def prune(
    transaction: Connection, *, now: datetime, chosen: Chosen = ALL, limit: int = AT_ONCE
) -> int:
    """Delete ended tasks past their retention with their history, a bounded number at once.

    What something that lives asks for stays: see `FREE`. Returns how many were deleted.

    Raises:
        DatabaseError: a foreign key of somebody's own table refers to one; none was deleted.
    """
    deleted = 0
    for status, queue, before in _due(transaction, now, chosen):
        if deleted >= limit:
            break
        which = (
            select(tasks.c.id)
            .where(*_old(status, chosen))
            .order_by(tasks.c.finished_at)
            .limit(literal_column(str(limit - deleted)))  # in the text: see `claim`
            .with_for_update(skip_locked=True)  # or one that is being retried would go
        )
        deleted += remove(transaction, which, _values(queue, before, chosen))
    return deleted


def count(transaction: Connection, *, now: datetime, chosen: Chosen = ALL) -> int:
    """How many tasks `prune` would delete until nothing is left to delete."""
    return sum(
        transaction.scalar(
            select(func.count()).select_from(tasks).where(*_old(status, chosen)),
            _values(queue, before, chosen),
        )
        or 0
        for status, queue, before in _due(transaction, now, chosen)
    )


def _due(
    transaction: Connection, now: datetime, chosen: Chosen
) -> Iterator[tuple[Status, str, datetime]]:
    """The queues and statuses that have something old, with the moment since when it is kept."""
    rules = retention.stored(transaction)
    for status, query in _OLDEST.items():
        if chosen.status not in {None, status}:
            continue
        for queue, oldest in transaction.execute(query).all():
            age = rules.of(queue, status) if chosen.age is None else chosen.age
            if chosen.queue in {None, queue} and age is not None and oldest < now - age:
                yield status, queue, now - age


def _old(status: Status, chosen: Chosen) -> Iterator[ColumnElement[bool]]:
    yield _is(status)
    yield tasks.c.queue == bindparam("queue", type_=Text)
    yield tasks.c.finished_at < bindparam("before", type_=Moment)
    yield from FREE
    if chosen.function is not None:
        yield tasks.c.function == bindparam("function", type_=Text)


def _values(queue: str, before: datetime, chosen: Chosen) -> dict[str, Any]:
    return {"queue": queue, "before": before, "function": chosen.function}


def remove(transaction: Connection, which: Select[Any], values: Mapping[str, Any]) -> int:
    """Delete the tasks that a query finds, with all that is stored of them; returns how many.

    Raises:
        DatabaseError: a foreign key of somebody's own table refers to one; none was deleted.
    """
    chosen = which.cte("old").prefix_with("MATERIALIZED")
    gone = delete(tasks).where(tasks.c.id.in_(select(chosen.c.id)))
    try:
        rows = transaction.execute(gone.returning(tasks.c.id, tasks.c.batch_id), values).all()
    except IntegrityError as error:
        raise DatabaseError(
            "tasks cannot be deleted: rows of another table refer to them",
            hint="Delete those first, or have their foreign key say ON DELETE CASCADE.",
        ) from error
    _forget(transaction, [row.id for row in rows], {row.batch_id for row in rows} - {None})
    return len(rows)


def _forget(transaction: Connection, ids: Sequence[int], of_batches: set[int]) -> None:
    """What has no foreign key goes with the task: its tick, and a batch with its last one."""
    if ids:
        transaction.execute(delete(schedule_ticks).where(schedule_ticks.c.task_id.in_(ids)))
        acts.forget(transaction, ids)
    if of_batches:
        empty = ~exists().where(tasks.c.batch_id == batches.c.id)
        transaction.execute(delete(batches).where(batches.c.id.in_(of_batches), empty))
