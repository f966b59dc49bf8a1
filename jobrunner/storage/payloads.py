"""Where arguments lie: short ones in the row of their task, long ones apart."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, case, literal_column, select

from jobrunner.core.task import Lease
from jobrunner.storage.dialect import of_these
from jobrunner.storage.passing import passed
from jobrunner.storage.prepared import Insert, Row
from jobrunner.storage.tables import payloads, tasks

SHORT: Final = 256
"""The most characters that lie in the row of a task."""

APART: Final = ""
"""What stands in the row for a text that lies apart; no JSON is empty."""

_NAMES: Final = ("args", "kwargs")
_INSERT: Final = Insert(payloads, ("task_id", *_NAMES, "extras"))


def _whole(name: str) -> ColumnElement[str | None]:
    apart = select(payloads.c[name]).where(payloads.c.task_id == tasks.c.id).correlate(tasks)
    here = tasks.c[name]
    is_apart = here == literal_column(f"'{APART}'")
    return case((is_apart, apart.scalar_subquery()), else_=here).label(name)


WHOLE: Final = {name: _whole(name) for name in _NAMES}
"""The arguments of a task as they were given, to be selected in place of its columns."""


def split(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Row]]:
    """The rows of new tasks without what is long, and what lies apart of them."""
    short: list[Mapping[str, Any]] = []
    apart: list[Row] = []
    for row in rows:
        long = {name: row[name] for name in _NAMES if len(row[name] or "") > SHORT}
        if row["extras"]:  # found by the arguments, whatever their length, and if there are none
            long["args"] = row["args"]
        if long:
            apart.append((row["id"], *map(long.get, _NAMES), row["extras"]))
            short.append({**row, **dict.fromkeys(long, APART)})
        else:
            short.append(row)
    return short, apart


_APART: Final = "SELECT task_id, args, kwargs, extras FROM payloads WHERE task_id {among}"


def whole(transaction: Connection, leases: list[Lease]) -> list[Lease]:
    """Leases with all of their arguments, the results of parents among them.

    Not with the claim itself: SQLite puts what an UPDATE returns aside once more, all of it.
    """
    ids = [lease.task_id for lease in leases if APART in (lease.args, lease.kwargs)]
    if not ids:
        return leases
    found = {task_id: apart for task_id, *apart in of_these(transaction, _APART, ids)}
    leases = [
        _filled(lease, *found[lease.task_id]) if lease.task_id in found else lease
        for lease in leases
    ]
    return passed(transaction, leases)


def _filled(lease: Lease, args: str | None, kwargs: str | None, extras: str | None) -> Lease:
    return lease._replace(
        args=args if lease.args == APART else lease.args,
        kwargs=kwargs if lease.kwargs == APART else lease.kwargs,
        extras=extras,
    )


def put(transaction: Connection, apart: Sequence[Row]) -> None:
    """Store what lies apart, once the rows of the tasks are there."""
    _INSERT.run(transaction, apart)
