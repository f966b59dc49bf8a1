"""Starts of what may start only so often: counted from rows, over a window that slides."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, literal_column, select, update

from jobrunner.core.limits import Rate
from jobrunner.core.task import TaskId
from jobrunner.storage.chunks import chunks
from jobrunner.storage.prepared import Insert
from jobrunner.storage.rules import concurrency_keys, queues
from jobrunner.storage.traces import rate_starts
from jobrunner.storage.types import MICROSECOND, Long, Moment, micros

FORGET_AT_ONCE: Final = 500

_INSERT: Final = Insert(rate_starts, ("name", "at", "task_id"))
_IN_WINDOW: Final = (
    select(rate_starts.c.name, func.count(), func.min(rate_starts.c.at), func.max(rate_starts.c.at))
    .where(
        rate_starts.c.name.in_(bindparam("names", expanding=True)),
        rate_starts.c.at > bindparam("since", type_=Moment),
    )
    .group_by(rate_starts.c.name)
)
_MOVE: Final = (
    update(rate_starts)
    .where(
        rate_starts.c.name == bindparam("which"),
        rate_starts.c.at > bindparam("now", type_=Moment),
    )
    .values(at=rate_starts.c.at - bindparam("by", type_=Long))
)


class Started(NamedTuple):
    """How often something has started in its window, and when the first of these was."""

    number: int
    first: datetime | None


def started(
    transaction: Connection,
    rates: Mapping[str, Rate],
    *,
    now: datetime,
    only_looks: bool = False,
) -> dict[str, Started]:
    """The starts of each name in the period that ends now."""
    found = dict.fromkeys(rates, Started(0, None))
    for period in {rate.period for rate in rates.values()}:
        names = [name for name, rate in rates.items() if rate.period == period]
        for some in chunks(names):
            values = {"names": some, "since": now - period}
            for name, number, first, last in transaction.execute(_IN_WINDOW, values).all():
                if not only_looks:
                    _come_back(transaction, name, last, now)
                found[name] = Started(number, min(first, now))
    return found


def opens_at(transaction: Connection, name: str, rate: Rate, *, now: datetime) -> datetime | None:
    """When the next of a name may start, `None` where that is now."""
    over = started(transaction, {name: rate}, now=now, only_looks=True)[name].number - rate.number
    if over < 0:
        return None
    last = _window(name, rate, now).order_by(rate_starts.c.at).offset(over).limit(1)
    at: datetime = transaction.execute(last).one().at
    return min(at, now) + rate.period


def newest(
    transaction: Connection, name: str, rate: Rate, *, now: datetime, limit: int
) -> list[TaskId]:
    """The tasks that started last in the period that ends now, at most so many."""
    last = _window(name, rate, now).order_by(rate_starts.c.at.desc()).limit(limit)
    return [TaskId(one.task_id) for one in transaction.execute(last)]


def _window(name: str, rate: Rate, now: datetime) -> Any:
    query = select(rate_starts.c.at, rate_starts.c.task_id)
    return query.where(rate_starts.c.name == name, rate_starts.c.at > now - rate.period)


def _come_back(transaction: Connection, name: str, last: datetime, now: datetime) -> None:
    """After a clock was set back: none has started later than now, so the last did so before now.

    Never too early for what is true, and nobody waits longer than one period for a wrong clock
    (guarded by test_a_clock_that_is_set_back_holds_nobody_up). Before, not at this very moment, at
    which the same task may start again
    (guarded by test_a_task_may_start_after_a_clock_was_set_back).
    """
    if last > now:
        by = (last - now) // MICROSECOND + 1
        transaction.execute(_MOVE, {"which": name, "now": now, "by": by})


def note(
    transaction: Connection,
    starts: Iterable[tuple[str, TaskId]],
    rates: Mapping[str, Rate],
    *,
    now: datetime,
) -> None:
    """Tasks start now, each under the name of a rate; what is over for these names goes."""
    rows = [(name, micros(now), task_id) for name, task_id in starts]
    if not rows:
        return
    for name in {name for name, *_ in rows}:
        over = rate_starts.c.at <= now - rates[name].period
        transaction.execute(delete(rate_starts).where(rate_starts.c.name == name, over))
    _INSERT.run(transaction, rows)


_KEY: Final = tuple(rate_starts.primary_key)
_OLDEST: Final = (
    select(*_KEY)
    .where(rate_starts.c.at <= bindparam("since", type_=Moment))
    .order_by(rate_starts.c.at)
    .limit(literal_column(str(FORGET_AT_ONCE)))  # in the text: see `claim`
)
_FORGET: Final = delete(rate_starts).where(*(one == bindparam(f"its_{one.name}") for one in _KEY))


def forget(transaction: Connection, *, now: datetime) -> int:
    """Delete starts that lie outside any window there is, a bounded number; returns how many."""
    longest = timedelta()
    for table in (queues, concurrency_keys):
        longest = max(longest, transaction.scalar(select(func.max(table.c.period))) or longest)
    over = transaction.execute(_OLDEST, {"since": now - longest}).mappings().all()
    if over:  # each by its key: a server may read them all to find a part
        rows = [{f"its_{name}": value for name, value in row.items()} for row in over]
        transaction.execute(_FORGET, rows)
    return len(over)
