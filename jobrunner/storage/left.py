"""Whether a worker has anything left to do, paused queues and its own resources regarded."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, literal_column, select

from jobrunner.core.lane import decode
from jobrunner.storage import lanes, queues, reads
from jobrunner.storage.tables import tasks


def nothing_left(
    transaction: Connection, served: Sequence[str], offers: Mapping[str, float]
) -> bool:
    """Whether no task of the queues served (of any, if none is named) could ever run here.

    Tasks of a paused queue could not, nor could those that need what the worker has not got. What
    runs elsewhere may lead to more, and so do parents in other queues than those served.
    """
    if reads.nothing_left(transaction, served):
        return True
    shut = set(queues.paused(transaction))
    names = [name for name in served if name not in shut]
    if served and not names:
        return not _has(transaction, "in_progress", served, ())
    waiting = ("scheduled", "blocked") if served else ("scheduled",)
    if any(_has(transaction, status, names, shut) for status in waiting):
        return False
    if _has(transaction, "in_progress", served, ()):
        return False
    return not _could_start(transaction, names, shut, offers)


def _has(transaction: Connection, status: str, names: Sequence[str], but: Collection[str]) -> bool:
    query = select(tasks.c.id).where(tasks.c.status == literal_column(f"'{status}'"))
    if names:
        query = query.where(tasks.c.queue.in_(names))
    if but:
        query = query.where(tasks.c.queue.not_in(but))
    return transaction.scalar(query.limit(literal_column("1"))) is not None


def _could_start(
    transaction: Connection, names: Sequence[str], shut: set[str], offers: Mapping[str, float]
) -> bool:
    """Whether a task that is pending could ever be claimed by this worker."""
    plain, laned = (
        [
            name
            for name in lanes.queues_with(transaction, laned=laned)
            if name not in shut and (not names or name in names)
        ]
        for laned in (False, True)
    )
    if plain:
        return True
    start = (lanes.NOWHERE, lanes.NOWHERE)
    return any(
        all(amount <= offers.get(name, 0) for name, amount in decode(one.lane).needs.items())
        for window in lanes.around(transaction, laned, after=start)
        for one in window
    )
