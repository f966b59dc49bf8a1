"""What ended and what ran in each of many small spans of time."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, case, func, literal_column, select

from jobrunner.core.report import WASTED
from jobrunner.core.report_detail import KINDS, Ends, Grid, StripCell
from jobrunner.storage.account import ENDED, STARTED, number, rows
from jobrunner.storage.chunks import chunks
from jobrunner.storage.schema import one_of
from jobrunner.storage.tables import attempts
from jobrunner.storage.types import Long

_KIND: Final = case(
    (literal_column(f"({one_of('outcome', 'completed', 'cached')})"), number(0)),
    (literal_column(f"({one_of('outcome', *WASTED)})"), number(1)),
    else_=number(2),
)


def ends(transaction: Connection, grid: Grid, *, since: datetime | None = None) -> list[Ends]:
    """How many attempts ended in each bucket."""
    at = ((ENDED - number(grid.first)) // number(grid.width)).label("of_bucket")
    kind = _KIND.label("of_kind")
    query = _late(select(at, kind, func.count()).group_by("of_bucket", "of_kind"), since)
    found = [[0] * len(KINDS) for _ in range(grid.number)]
    for bucket, of_kind, count in rows(transaction, query):
        if 0 <= bucket < grid.number:
            found[int(bucket)][of_kind] = count
    return [Ends(*counts) for counts in found]


def strip_cells(
    transaction: Connection, grid: Grid, worker_ids: Sequence[str], *, since: datetime | None = None
) -> Iterator[StripCell]:
    """The attempts of workers by the buckets in which they began and ended."""
    zero = number(grid.first)
    start = case((zero < STARTED, STARTED - zero), else_=number(0))
    end = ENDED - zero
    first = (start // number(grid.width)).label("of_first")
    last = (end // number(grid.width)).label("of_last")
    query = select(
        attempts.c.worker_id,
        _KIND.label("of_kind"),
        first,
        last,
        func.count(),
        func.sum(start, type_=Long),
        func.sum(end, type_=Long),
    ).where(ENDED >= STARTED, zero <= ENDED)
    query = _late(query.group_by(attempts.c.worker_id, "of_kind", "of_first", "of_last"), since)
    for some in chunks(worker_ids):
        for worker_id, *rest in rows(transaction, query.where(attempts.c.worker_id.in_(some))):
            yield StripCell(worker_id, *map(int, rest))


def _late(query: Any, since: datetime | None) -> Any:
    return query if since is None else query.where(attempts.c.ended_at >= since)
