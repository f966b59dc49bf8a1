"""The timeline of workers: each attempt in the lane of its slot, or how busy each worker was."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from jobrunner.core.insight import RUNNING
from jobrunner.core.insight_graph import Bar, Lane
from jobrunner.core.outcome import label
from jobrunner.core.report import WorkerReport
from jobrunner.core.report_detail import KINDS, Grid, ReportDetail, Strip, kind_of
from jobrunner.report_page.charts import NAMES, WIDTH, axis, drawing, legend
from jobrunner.report_page.html import Html, element
from jobrunner.report_page.words import EPOCH, MICROSECOND, brief

LONG: Final = 10_000
"""Units of the whole time."""

NARROWEST: Final = 8
"""Units of the shortest attempt that is drawn."""

Known = Mapping[str, WorkerReport]


def lanes(detail: ReportDetail) -> Html | None:
    """The drawing, if anything has run."""
    if detail.grid is None or not (detail.timeline or detail.strips):
        return None
    known: Known = {one.info.id: one for one in detail.report.workers}
    if detail.timeline is not None:
        shown = [lane for lane in detail.timeline.lanes if _ran(lane, known)]
        lost_at = _lost(shown)
        rows = [_lane(lane, lost_at.get(lane.worker_id), detail.grid) for lane in shown]
        kinds = {_kind(bar) for lane in shown for bar in lane.bars}
    else:
        rows = [_strip(strip, detail.grid, known) for strip in detail.strips]
        kinds = set(KINDS)
    end = detail.grid.first + detail.grid.width * detail.grid.number
    told = [(kind, NAMES.get(kind, kind), "") for kind in NAMES if kind in kinds]
    return element(
        "div",
        legend(told),
        element(
            "div",
            rows,
            element("div", element("span"), axis(detail.grid.first, end), class_="lane axis"),
            class_="lanes",
        ),
    )


def _ran(lane: Lane, known: Known) -> bool:
    """Whether its slot was one: what was lost may only have been claimed ahead."""
    worker = known.get(lane.worker_id)
    return worker is None or lane.slot < worker.info.concurrency


def _lost(lanes: Sequence[Lane]) -> dict[str, datetime]:
    """The last signs of life of workers that were lost: what they told themselves is one too."""
    found = {lane.worker_id: lane.lost_at for lane in lanes if lane.lost_at is not None}
    for lane in lanes:
        for bar in lane.bars:
            if lane.worker_id in found and bar.outcome != "lost" and bar.ended_at is not None:
                found[lane.worker_id] = max(found[lane.worker_id], bar.ended_at)
    return {str(worker_id): moment for worker_id, moment in found.items()}


def _lane(lane: Lane, lost_at: datetime | None, grid: Grid) -> Html:
    name = _name(lane.worker_id, lane.host, lane.pid) if lane.slot == 0 else ""
    bars = [_bar(bar, lost_at, grid) for bar in lane.bars]
    told = f"Slot {lane.slot + 1} of worker {lane.worker_id}: {len(bars)} attempts"
    return element(
        "div",
        element("span", name, title=lane.worker_id),
        drawing(LONG, 10, told, *bars),
        class_="lane begins" if lane.slot == 0 else "lane",
    )


def _name(worker_id: str, host: str | None, pid: int | None) -> str:
    return f"{host}:{pid}" if host is not None else worker_id


def _kind(bar: Bar) -> str:
    if bar.outcome == RUNNING:
        return "other"
    kind = kind_of(bar.outcome)
    return bar.outcome if kind == "wasted" else kind


def _bar(bar: Bar, lost_at: datetime | None, grid: Grid) -> Html:
    length = grid.width * grid.number
    start = max(_micros(bar.started_at) - grid.first, 0)
    end = length if bar.ended_at is None else _micros(bar.ended_at) - grid.first
    if bar.outcome == "lost" and lost_at is not None:
        end = max(start, min(end, _micros(lost_at) - grid.first))
    how = "running for" if bar.ended_at is None else f"{label(bar.outcome)} after"
    told = f"#{bar.task_id} {bar.name}: {how} {brief((end - start) / 1e6)}"
    x = start / length * LONG
    width = max(NARROWEST, (end - start) / length * LONG)
    return element(
        "g",
        element("title", told),
        element("rect", class_=_kind(bar), x=f"{x:.1f}", y=0, width=f"{width:.1f}", height=10),
    )


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _strip(strip: Strip, grid: Grid, known: Known) -> Html:
    worker = known.get(strip.worker_id)
    slots = worker.info.concurrency if worker else 1
    info = worker.info if worker else None
    name = _name(strip.worker_id, info.host if info else None, info.pid if info else None)
    paths = [
        element("path", class_=kind, d=" ".join(_shares(strip, at, slots * grid.width / 1e6)))
        for at, kind in enumerate(KINDS)
    ]
    share = f": {worker.efficiency:.0%}" if worker else ""
    told = f"How busy worker {strip.worker_id} was{share}"
    return element(
        "div",
        element("span", name, title=strip.worker_id),
        drawing(grid.number * WIDTH, 100, told, *paths),
        class_="lane strip begins",
    )


def _shares(strip: Strip, kind: int, whole_s: float) -> Iterator[str]:
    for at, spent in enumerate(strip.spent):
        below, height = _share(spent[:kind], whole_s), _share(spent[kind : kind + 1], whole_s)
        height = min(height, 100 - below)
        if height > 0:
            yield f"M{at * WIDTH} {100 - below - height:.1f}h{WIDTH}v{height:.1f}h-{WIDTH}z"


def _share(spent: Sequence[float], whole_s: float) -> float:
    return min(100.0, sum(spent) / whole_s * 100)
