"""Starts of what may start only so often: counted from rows, over a window that slides."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from jobrunner.core.limits import Rate
from jobrunner.core.task import TaskId
from jobrunner.storage.chunks import chunks
from jobrunner.storage.prepared import Insert
from jobrunner.storage.rules import concurrency_keys, queues
from jobrunner.storage.traces import rate_starts
from jobrunner.storage.types import MICROSECOND, Long, Moment, micros

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
    transaction: Connection, rates: Mapping[str, Rate], *, now: datetime
) -> dict[str, Started]:
    """The starts of each name in the period that ends now."""
    found = dict.fromkeys(rates, Started(0, None))
    for period in {rate.period for rate in rates.values()}:
        names = [name for name, rate in rates.items() if rate.period == period]
        for some in chunks(names):
            values = {"names": some, "since": now - period}
            for name, number, first, last in transaction.execute(_IN_WINDOW, values).all():
                _come_back(transaction, name, last, now)
                found[name] = Started(number, min(first, now))
    return found


def _come_back(transaction: Connection, name: str, last: datetime, now: datetime) -> None:
    """After a clock was set back: none has started later than now, so the last did so at most now.

    Never too early for what is true, and nobody waits longer than one period for a wrong clock
    (guarded by test_a_clock_that_is_set_back_holds_nobody_up).
    """
    if last > now:
        by = (last - now) // MICROSECOND
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


def forget(transaction: Connection, *, now: datetime) -> int:
    """Delete the starts that lie outside any window there is; returns how many."""
    longest = timedelta()
    for table in (queues, concurrency_keys):
        longest = max(longest, transaction.scalar(select(func.max(table.c.period))) or longest)
    return transaction.execute(
        delete(rate_starts).where(rate_starts.c.at <= now - longest)
    ).rowcount
