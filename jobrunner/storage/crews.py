"""What people say to workers: pause, resume, stop, resize, one of them or a whole crew."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from jobrunner.core.control_errors import WorkerNotFoundError
from jobrunner.core.crew import Crew, Orders, Told
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.storage import workers as rows
from jobrunner.storage.chunks import chunks
from jobrunner.storage.dialect import say
from jobrunner.storage.rules import crews
from jobrunner.storage.tables import tasks, workers

_ALIVE: Final = workers.c.stopped_at.is_(None)
_RUNS: Final = tasks.c.status == literal_column("'in_progress'")


class Chosen(NamedTuple):
    """Whom a word is for: crews with all that belong to them, and workers that live."""

    crews: Sequence[str]
    workers: Sequence[WorkerId]


def tell(
    transaction: Connection,
    word: Callable[..., None],
    who: str | None,
    *,
    crew: bool = False,
    **named: Any,
) -> Told:
    """Say `word` (`pause`, `resume`, `resize`, `stop`) to those that `choose` finds."""
    chosen = choose(transaction, who, crew=crew)
    word(transaction, chosen, **named)
    found = {one.name: one for one in every(transaction, chosen.crews)}
    return Told(
        crews=[found.get(name, Crew(name=name)) for name in chosen.crews],
        workers=rows.every(transaction, chosen.workers),
    )


def choose(transaction: Connection, who: str | None, *, crew: bool = False) -> Chosen:
    """Find a crew by its name, or a worker by its id or a beginning that only it has.

    `crew` says that it is a crew's name, be it of one that nobody belongs to yet; `None` stands
    for all.

    Raises:
        WorkerNotFoundError: there is neither.
        ConfigurationError: several ids begin so.
    """
    # On a server a worker that registers at this moment is waited for, see `settings`.
    say(transaction, server=["LOCK TABLE crews IN SHARE ROW EXCLUSIVE MODE"])
    living = dict(transaction.execute(select(workers.c.id, workers.c.crew).where(_ALIVE)).all())
    known = {*transaction.scalars(select(crews.c.name)), *living.values()}
    if who is None:
        return Chosen(sorted(known - {""}), sorted(living))
    if crew or who in known:
        return Chosen([who], sorted(one for one, its in living.items() if its == who))
    found = sorted(one for one in living if who and one.startswith(who))
    if not found:
        raise WorkerNotFoundError(who)
    if len(found) > 1 and who not in found:
        raise ConfigurationError(
            f"{who!r} is the beginning of {len(found)} ids: {', '.join(found[:5])}",
            hint="Write more of it.",
        )
    return Chosen([], [WorkerId(found[0])])


def pause(transaction: Connection, chosen: Chosen, *, now: datetime) -> None:
    """From the commit on they claim nothing: a claim asks the worker's row."""
    _set(transaction, chosen.crews, crews.c.paused_at, now)
    _tell(transaction, chosen.workers, workers.c.paused_at, now, workers.c.paused_at.is_(None))


def resume(transaction: Connection, chosen: Chosen) -> None:
    """They claim again, however they were paused."""
    _set(transaction, chosen.crews, crews.c.paused_at, None)
    _tell(transaction, chosen.workers, workers.c.paused_at, None)


def resize(transaction: Connection, chosen: Chosen, *, concurrency: int | None) -> None:
    """They run so many at a time; `None` for what each was started with."""
    _set(transaction, chosen.crews, crews.c.concurrency, concurrency)
    _tell(transaction, chosen.workers, workers.c.wanted, concurrency)


def stop(transaction: Connection, chosen: Chosen, *, now: datetime) -> None:
    """Those that live end in order; whoever starts later is not meant."""
    once = workers.c.stop_requested_at.is_(None)
    _tell(transaction, chosen.workers, workers.c.stop_requested_at, now, once)


def _set(transaction: Connection, names: Sequence[str], column: Any, value: Any) -> None:
    """Keep a setting of crews; one that says nothing any more has no row."""
    known = set(transaction.scalars(select(crews.c.name)))
    for name in names:
        values = {column.name: value}
        if name in known:
            transaction.execute(update(crews).where(crews.c.name == name).values(**values))
        elif value is not None:
            transaction.execute(insert(crews).values(name=name, **values))
    nothing = crews.c.paused_at.is_(None) & crews.c.concurrency.is_(None)
    transaction.execute(delete(crews).where(nothing))


def _tell(
    transaction: Connection,
    ids: Sequence[WorkerId],
    column: Any,
    value: Any,
    *conditions: ColumnElement[bool],
) -> None:
    for some in chunks(ids):
        these = update(workers).where(workers.c.id.in_(some), _ALIVE, *conditions)
        transaction.execute(these.values({column: value}))


def settings(transaction: Connection, name: str) -> Crew:
    """What a worker of this crew that registers in this transaction has to hold to.

    On a server nobody changes it before that commits: whoever pauses a crew waits for those that
    register, and then finds them (guarded by test_a_worker_that_registers_meanwhile_is_paused).
    """
    say(transaction, server=["LOCK TABLE crews IN SHARE MODE"])
    row = transaction.execute(select(crews).where(crews.c.name == name)).mappings().one_or_none()
    return Crew(name=name) if row is None else Crew(**row)


def every(transaction: Connection, names: Sequence[str] | None = None) -> list[Crew]:
    """The crews that something was said to; with `names`, only those."""
    query = select(crews).order_by(crews.c.name)
    if names is not None:
        query = query.where(crews.c.name.in_(names))
    return [Crew(**row) for row in transaction.execute(query).mappings()]


_ORDERS: Final = (
    select(workers.c.paused_at, workers.c.wanted, workers.c.stop_requested_at, tasks.c.id)
    .select_from(workers)
    .outerjoin(
        tasks,
        (tasks.c.worker_id == workers.c.id) & _RUNS & tasks.c.cancel_requested_at.is_not(None),
    )
    .where(workers.c.id == bindparam("worker"))
)


def orders(transaction: Connection, worker_id: WorkerId) -> Orders | None:
    """What a worker has to see to, at one look; `None` if its row is gone."""
    rows = transaction.execute(_ORDERS, {"worker": worker_id}).all()
    if not rows:
        return None
    paused_at, wanted, stop_requested_at, _ = rows[0]
    cancels = tuple(TaskId(row[-1]) for row in rows if row[-1] is not None)
    return Orders(paused_at, wanted, stop_requested_at, cancels)


def set_concurrency(transaction: Connection, worker_id: WorkerId, concurrency: int) -> None:
    """Note what a worker works with from now on."""
    mine = update(workers).where(workers.c.id == worker_id)
    transaction.execute(mine.values(concurrency=concurrency))


def running(transaction: Connection) -> dict[WorkerId, int]:
    """How many tasks each worker has in hand, of those that have any."""
    query = select(tasks.c.worker_id, func.count()).where(_RUNS).group_by(tasks.c.worker_id)
    return {WorkerId(worker): count for worker, count in transaction.execute(query)}


def held(transaction: Connection, ids: Sequence[WorkerId]) -> list[TaskId]:
    """The tasks that these workers have in hand."""
    return [
        TaskId(task_id)
        for some in chunks(ids)
        for task_id in transaction.scalars(
            select(tasks.c.id).where(_RUNS, tasks.c.worker_id.in_(some)).order_by(tasks.c.id)
        )
    ]
