"""What tasks went through: read from their rows, their attempts and the acts on them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
)

from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.past import Act, Row, Run, Step
from jobrunner.core.replay import replay, status_at
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, WorkerId, may_be_id
from jobrunner.core.transition import Transition
from jobrunner.storage.chunks import CHUNK
from jobrunner.storage.tables import attempts, tasks
from jobrunner.storage.traces import status_changes
from jobrunner.storage.types import EPOCH, Long, Moment, micros

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)


def plain(table: Any, names: Sequence[str]) -> list[Any]:
    """Columns as they are stored: moments as numbers."""
    moments = {column.name for column in table.c if isinstance(column.type, Moment)}
    return [
        type_coerce(table.c[name], Long) if name in moments else table.c[name] for name in names
    ]


ROWS: Final = select(*plain(tasks, Row._fields))
RUNS: Final = select(*plain(attempts, Run._fields)).order_by(attempts.c.id)
ACTS: Final = select(*plain(status_changes, Act._fields)).order_by(status_changes.c.id)
_ROWS_OF: Final = ROWS.where(tasks.c.id.in_(_IDS)).order_by(tasks.c.id)
_RUNS_OF: Final = RUNS.where(attempts.c.task_id.in_(_IDS))
_ACTS_OF: Final = ACTS.where(status_changes.c.task_id.in_(_IDS))


def transitions(transaction: Connection, task_id: int) -> list[Transition]:
    """All that a task went through, oldest first; of one that was deleted, only that.

    Raises:
        TaskNotFoundError: there is no such task, nor was there one that is known of.
    """
    if may_be_id(task_id):
        for row, steps in replayed(transaction, [task_id]):
            return [transition(row.id, step) for step in steps]
        for act in gone(transaction, [task_id]):
            return [transition(task_id, deletion(act))]
    raise TaskNotFoundError(task_id)


def replayed(transaction: Connection, ids: Sequence[int]) -> Iterator[tuple[Row, list[Step]]]:
    """Each of these tasks with its steps, by id, those that are gone left out; at most a chunk."""
    rows = [_row(*found) for found in transaction.execute(_ROWS_OF, {"ids": ids})]
    yield from _told(transaction, rows)


def gone(transaction: Connection, ids: Sequence[int]) -> list[Act]:
    """That tasks were deleted, of those for which it is known."""
    query = _ACTS_OF.where(status_changes.c.status.is_(None))
    return [_act(*found) for found in transaction.execute(query, {"ids": ids})]


def deletion(act: Act) -> Step:
    """The end of all that is known of a task."""
    return Step(act.at, act.what, act.was, None, ("act", act.id))


def transition(task_id: int, step: Step) -> Transition:
    """A step as it is told to others."""
    return Transition(
        task_id=TaskId(task_id),
        at=EPOCH + timedelta(microseconds=step.at),
        what=step.what,
        was=step.was,
        status=step.status,
        attempt=step.attempt,
        worker_id=None if step.worker_id is None else WorkerId(step.worker_id),
        detail=step.detail,
    )


_BY_THEN: Final = tasks.c.created_at <= bindparam("then", type_=Moment)
_ENDED: Final = (
    select(tasks.c.status, func.count())
    .where(tasks.c.finished_at.is_not(None))
    .where(tasks.c.finished_at <= bindparam("then", type_=Moment))
    .group_by(tasks.c.status)
)
_OTHERS: Final = (
    ROWS.where(
        _BY_THEN,
        tasks.c.finished_at.is_(None) | (tasks.c.finished_at > bindparam("then", type_=Moment)),
        tasks.c.id > bindparam("above", type_=Long),
    )
    .order_by(tasks.c.id)
    .limit(literal_column(str(CHUNK)))
)


def counts_at(transaction: Connection, moment: datetime) -> dict[Status, int]:
    """How many tasks stood where at a moment, of those that were not deleted since.

    What had ended by then, and has not been done again, is counted as it is; all else is replayed.
    """
    found = dict.fromkeys(Status, 0)
    for status, number in transaction.execute(_ENDED, {"then": moment}):
        found[Status(status)] += number
    above, then = 0, micros(moment)
    while rows := [
        _row(*one) for one in transaction.execute(_OTHERS, {"then": moment, "above": above})
    ]:
        above = rows[-1].id
        for _, steps in _told(transaction, rows):
            if (status := status_at(steps, then)) is not None:
                found[status] += 1
    return found


def _told(transaction: Connection, rows: Sequence[Row]) -> Iterator[tuple[Row, list[Step]]]:
    ids = [row.id for row in rows]
    runs: dict[int, list[Run]] = {}
    acts: dict[int, list[Act]] = {}
    for found in transaction.execute(_RUNS_OF, {"ids": ids}):
        run = Run._make(found)
        runs.setdefault(run.task_id, []).append(run)
    for found in transaction.execute(_ACTS_OF, {"ids": ids}):
        act = _act(*found)
        acts.setdefault(act.task_id, []).append(act)
    for row in rows:
        yield row, replay(row, runs.get(row.id, ()), acts.get(row.id, ()))


def _row(task_id: int, status: str, *rest: Any) -> Row:
    return Row(task_id, Status(status), *rest)


def _act(*found: Any) -> Act:
    act = Act._make(found)
    status = None if act.status is None else Status(act.status)
    return act._replace(was=Status(act.was), status=status)
