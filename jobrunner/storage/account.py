"""What the history adds up to: sums made by the database, so that none of it is read whole."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    FunctionElement,
    Text,
    case,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles

from jobrunner.core import payload
from jobrunner.core.objects import moment
from jobrunner.core.quantiles import DIGITS
from jobrunner.core.report import By
from jobrunner.core.sums import LOST, LostRun, RunCell, Sums, WaitCell, WorkerCell
from jobrunner.storage.tables import attempts, tasks
from jobrunner.storage.types import Long, Moment, later

LONGEST: Final = 16
"""Digits of the longest span in microseconds, over 300 years."""

HOUR: Final = 3_600_000_000


class _Position(FunctionElement[int]):
    """Where in a text another one begins, from 1 up; 0 for nowhere."""

    type = Long
    inherit_cache = True


@compiles(_Position)
def _strpos(element: _Position, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_Position, "sqlite")
def _instr(element: _Position, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


def number(value: int) -> ColumnElement[Any]:
    """A number as it stands: bound ones would not be the same in SELECT and in GROUP BY."""
    return literal_column(str(value), Long)


def span(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    """Microseconds between two moments; none where a clock went back."""
    return case((end > start, end - start), else_=number(0))


def rounded(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Rounded down to three digits."""
    steps = [
        (value < number(10**digits), value - value % number(10 ** (digits - DIGITS)))
        for digits in range(DIGITS + 1, LONGEST)
    ]
    return case((value < number(10**DIGITS), value), *steps, else_=number(10 ** (LONGEST - 1)))


READY, STARTED, ENDED = (
    type_coerce(attempts.c[name], Long) for name in ("ready_at", "started_at", "ended_at")
)
RUN: Final = span(STARTED, ENDED)
WAIT: Final = span(READY, STARTED)

_END: Final = _Position(tasks.c.command, literal_column("""'",'""", Text))
"""Where the first of several words ends; `["` stands before it, and `"]` behind the last."""

PROGRAM: Final = case(
    (number(0) < _END, func.substr(tasks.c.command, number(3), _END - number(3))),
    else_=func.substr(tasks.c.command, number(3), func.length(tasks.c.command) - number(4)),
)
NAME: Final = func.coalesce(tasks.c.function, PROGRAM)

KEYS: Final[dict[By, ColumnElement[Any]]] = {
    By.FUNCTION: NAME,
    By.QUEUE: tasks.c.queue,
    By.WORKER: attempts.c.worker_id,
    By.HOUR: ENDED // number(HOUR),
}
_OF_TASKS: Final = {By.FUNCTION, By.QUEUE}


def name_of(key: str) -> str:
    """A function, or a program as it was before it was written as JSON."""
    if "\\" not in key:
        return key
    try:
        return str(payload.decode(f'"{key}"'))
    except ValueError:  # a word that ends in the middle: it held the characters that end one
        return key


def _hour_of(key: int) -> str:
    return (moment(later(int(key) * HOUR)) or "")[:13] + ":00Z"


_NAMES: Final[dict[By, Callable[[Any], str]]] = {By.FUNCTION: name_of, By.HOUR: _hour_of}


def sums(transaction: Connection, by: By, *, since: datetime | None = None) -> Sums:
    """The attempts that ended since a moment, put together; read once, and while it is open.

    A name's cells are as many as there are different spans of three digits: some thousands.
    """
    return Sums(
        runs=_runs(transaction, by, since),
        waits=_waits(transaction, by, since),
        lost=_lost(transaction, by, since),
    )


def _runs(transaction: Connection, by: By, since: datetime | None) -> Iterator[RunCell]:
    key, run = KEYS[by].label("of_group"), rounded(RUN).label("of_run")
    query = _of(
        select(
            key,
            attempts.c.outcome,
            run,
            func.count(),
            func.sum(RUN, type_=Long),
            func.max(RUN, type_=Long),
            func.sum(attempts.c.cpu_s),
            func.max(attempts.c.peak_memory),
        ),
        by,
        since,
    )
    query = query.group_by("of_group", attempts.c.outcome, "of_run").order_by("of_group")
    name = _NAMES.get(by, str)
    for group, outcome, *numbers, cpu_s, peak in rows(transaction, query):
        run_us, number_of, total, longest = map(int, numbers)
        yield RunCell(name(group), outcome, run_us, number_of, total, longest, cpu_s, peak)


def _waits(transaction: Connection, by: By, since: datetime | None) -> Iterator[WaitCell]:
    key, wait = KEYS[by].label("of_group"), rounded(WAIT).label("of_wait")
    query = _of(select(key, wait, func.count(), func.max(WAIT, type_=Long)), by, since)
    name = _NAMES.get(by, str)
    query = query.group_by("of_group", "of_wait").order_by("of_group")
    for group, *numbers in rows(transaction, query):
        yield WaitCell(name(group), *map(int, numbers))


def _lost(transaction: Connection, by: By, since: datetime | None) -> Iterator[LostRun]:
    key = KEYS[by].label("of_group")
    query = _of(
        select(key, attempts.c.worker_id, attempts.c.started_at, attempts.c.ended_at), by, since
    )
    query = query.where(attempts.c.outcome == literal_column(f"'{LOST}'"))
    query = query.order_by(attempts.c.worker_id, attempts.c.started_at, attempts.c.id)
    name = _NAMES.get(by, str)
    for group, *rest in rows(transaction, query):
        yield LostRun(name(group), *rest)


def _of(query: Any, by: By, since: datetime | None) -> Any:
    found = query.select_from(attempts)
    if by in _OF_TASKS:
        found = found.join(tasks, tasks.c.id == attempts.c.task_id)
    return found if since is None else found.where(attempts.c.ended_at >= since)


def rows(transaction: Connection, query: Executable) -> Iterable[Any]:
    """What a statement finds, a row after the other."""
    return transaction.execute(query)


def by_worker(transaction: Connection, *, since: datetime | None = None) -> Iterator[WorkerCell]:
    """What each worker ended, and when the last of it."""
    query = select(
        attempts.c.worker_id,
        attempts.c.outcome,
        func.count(),
        func.sum(RUN, type_=Long),
        func.max(attempts.c.ended_at, type_=Moment),
    ).group_by(attempts.c.worker_id, attempts.c.outcome)
    if since is not None:
        query = query.where(attempts.c.ended_at >= since)
    for worker_id, outcome, count, total, last_at in transaction.execute(query):
        yield WorkerCell(worker_id, outcome, count, int(total), last_at)


def extent(
    transaction: Connection, *, since: datetime | None = None
) -> tuple[datetime, datetime] | None:
    """The first start and the last end; `None` for no history."""
    query = select(
        func.min(attempts.c.started_at, type_=Moment), func.max(attempts.c.ended_at, type_=Moment)
    )
    if since is not None:
        query = query.where(attempts.c.ended_at >= since)
    first, last = transaction.execute(query).one()
    return None if first is None else (first, last)
