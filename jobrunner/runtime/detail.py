"""The report as a document tells it, read in one consistent view."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from jobrunner.core.account import Grouped, Total
from jobrunner.core.insight_graph import Timeline
from jobrunner.core.report import By, Report, WorkerReport
from jobrunner.core.report_detail import Grid, ReportDetail, Strip, grid, strips
from jobrunner.runtime.statistics import add_up, since_of
from jobrunner.storage import account, pace, timeline, worst
from jobrunner.storage.engine import Database
from jobrunner.storage.types import MICROSECOND, micros

if TYPE_CHECKING:
    from sqlalchemy import Connection

BARS: Final = 1_500
"""So many attempts are drawn one by one; of more, it is told how busy each worker was."""

WORKERS: Final = 40
"""The busiest workers, of whom that is told."""

GROUPS: Final = 25
SLOWEST: Final = 15


def detail(
    database: Database,
    *,
    now: datetime,
    since: timedelta | datetime | None = None,
    by: By | None = None,
) -> ReportDetail:
    """Look at all that ended, of late if `since` is given."""
    since = since_of(since, now)
    with database.reading() as transaction:
        report, functions = add_up(transaction, now=now, since=since, by=by)
        extent = account.extent(transaction, since=since)
        cells = None if extent is None else grid(micros(extent[0]), micros(extent[1]))
        failures, is_cut = worst.failed_runs(transaction, limit=GROUPS, since=since)
        bars = _bars(transaction, report, extent)
        return ReportDetail(
            database=database.path.name if database.path else database.name,
            made_at=now,
            since=since,
            report=report,
            functions=functions,
            queues=_queues(transaction, since),
            extent=extent,
            grid=cells,
            ends=pace.ends(transaction, cells, since=since) if cells else (),
            timeline=bars,
            strips=_strips(transaction, report, cells, since) if cells and bars is None else (),
            failures=failures,
            failures_cut=is_cut,
            slowest=worst.slowest(transaction, limit=SLOWEST, since=since),
        )


def _queues(transaction: "Connection", since: datetime | None) -> list[Grouped]:
    """What ended by queue; of what was lost, not the time."""
    found = Total().groups(account.sums(transaction, By.QUEUE, since=since), {})
    return sorted(found, key=lambda one: one.report.name)


def _bars(
    transaction: "Connection", report: Report, extent: tuple[datetime, datetime] | None
) -> Timeline | None:
    """Each attempt in its lane, if there are few enough."""
    if extent is None or sum(report.attempts.values()) > BARS:
        return None
    first, last = extent
    found = timeline.timeline(
        transaction, since=first - MICROSECOND, until=last + MICROSECOND, limit=BARS
    )
    return None if found.is_cut or len(found.lanes) > 2 * WORKERS else found


def _strips(
    transaction: "Connection", report: Report, cells: Grid, since: datetime | None
) -> list[Strip]:
    """How busy the busiest workers were."""
    busiest = sorted(report.workers, key=lambda one: -one.busy_s)[:WORKERS]
    found = strips(
        pace.strip_cells(transaction, cells, [one.info.id for one in busiest], since=since), cells
    )
    return sorted(found, key=lambda strip: _begun(busiest, strip.worker_id))


def _begun(workers: Sequence[WorkerReport], worker_id: str) -> datetime:
    return next(one.info.started_at for one in workers if one.info.id == worker_id)
