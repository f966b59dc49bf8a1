"""Tables of the page: functions, queues, workers, groups, the slowest runs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from jobrunner.core.account import Grouped
from jobrunner.core.outcome import label
from jobrunner.core.quantiles import Shape
from jobrunner.core.report import GroupReport, Spread, WorkerReport
from jobrunner.core.report_detail import ReportDetail, SlowRun, kind_of
from jobrunner.report_page.charts import bounds, scale, shape
from jobrunner.report_page.html import Html, Inside, element, join
from jobrunner.report_page.words import brief, number, percent, plural, when

ROWS: Final = 40
"""Of a table; the others are only counted."""

HOURS: Final = 200


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and whether numbers or a drawing stand below."""

    name: str
    kind: str = "num"


def table(columns: Sequence[Column], rows: Iterable[Sequence[Inside]], more: int = 0) -> Html:
    """A table whose first column names what its rows are of; `more` there are beside."""
    heads = [element("th", one.name, scope="col", class_=one.kind or None) for one in columns]
    body = [
        element(
            "tr",
            element("th", first, scope="row"),
            [_cell(column, cell) for column, cell in zip(columns[1:], rest, strict=True)],
        )
        for first, *rest in rows
    ]
    return join(
        element(
            "div",
            element("table", element("thead", element("tr", heads)), element("tbody", body)),
            class_="scroll",
            tabindex=0,
            role="group",
            aria_label=f"Table by {columns[0].name}",
        ),
        element("p", f"And {more:,} more.", class_="note") if more > 0 else None,
    )


def _cell(column: Column, cell: Inside) -> Html:
    kind = column.kind if cell not in ("", "0") else f"{column.kind} none"
    return element("td", cell, class_=kind.strip() or None, data_label=column.name)


def functions(detail: ReportDetail) -> Html:
    """Run times by function, the one that took most of the workers' time first."""
    return _spans(detail.functions, "function", lambda one: one.runs, lambda one: one.report.run)


def queues(detail: ReportDetail) -> Html:
    """Waits by queue."""
    return _spans(detail.queues, "queue", lambda one: one.waits, lambda one: one.report.wait)


def _spans(
    groups: Sequence[Grouped],
    what: str,
    of: Callable[[Grouped], Shape],
    spread: Callable[[Grouped], Spread | None],
) -> Html:
    shown = sorted(groups, key=lambda one: -one.report.busy_s)[:ROWS]
    ends = bounds(of(one) for one in shown)
    columns = [
        *(Column(what, ""), Column("attempts"), Column("failed"), Column("lost")),
        *(Column("p50"), Column("p95"), Column("p99"), Column("max")),
        Column(f"{scale(ends)}, logarithmic", "drawn"),
        *(Column("busy"), Column("wasted")),
    ]
    rows: list[list[Inside]] = [
        [
            element("code", one.report.name),
            *_counts(one.report),
            *_quantiles(spread(one)),
            shape(of(one), spread(one), ends, one.report.name),
            *_spent(one.report),
        ]
        for one in shown
    ]
    return table(columns, rows, len(groups) - len(shown))


def groups(detail: ReportDetail) -> Html:
    """What was asked for: by worker, by hour."""
    shown = detail.report.groups[-HOURS:]
    columns = [
        *(Column(str(detail.report.by), ""), Column("attempts"), Column("failed"), Column("lost")),
        *(Column("wait p50"), Column("wait p95"), Column("run p50"), Column("run p95")),
        *(Column("busy"), Column("wasted")),
    ]
    rows: list[list[Inside]] = [
        [
            element("code", one.name),
            *_counts(one),
            *_quantiles(one.wait)[:2],
            *_quantiles(one.run)[:2],
            *_spent(one),
        ]
        for one in shown
    ]
    return table(columns, rows, len(detail.report.groups) - len(shown))


def _counts(one: GroupReport) -> list[Inside]:
    return [number(one.count), _bad(one.failed), _bad(one.lost, "gone")]


def _bad(count: int, kind: str = "bad") -> Inside:
    return element("span", number(count), class_=kind) if count else "0"


def _spent(one: GroupReport) -> list[Inside]:
    wasted = element("span", brief(one.wasted_s), class_="bad") if one.wasted_s else "0"
    return [brief(one.busy_s), wasted]


def _quantiles(spread: Spread | None) -> list[Inside]:
    if spread is None:
        return [""] * 4
    return [brief(seconds) for seconds in (spread.p50, spread.p95, spread.p99, spread.max)]


def workers(found: Sequence[WorkerReport]) -> Html:
    """Each worker, the busiest first if there are too many."""
    shown = found
    if len(found) > ROWS:
        shown = sorted(found, key=lambda one: -one.busy_s)[:ROWS]
    columns = [
        *(Column("worker", ""), Column("status", "status"), Column("slots")),
        *(Column("completed"), Column("failed"), Column("lost"), Column("alive")),
        *(Column("busy"), Column("wasted"), Column("efficiency"), Column("", "drawn")),
    ]
    return table(columns, [_worker(one) for one in shown], len(found) - len(shown))


def _worker(one: WorkerReport) -> list[Inside]:
    info = one.info
    status = info.status.value
    return [
        [element("code", info.id), element("small", f"{info.host}:{info.pid}, {info.executor}")],
        element("span", status, class_="gone" if status == "lost" else None),
        number(info.concurrency),
        number(one.completed),
        _bad(one.failed),
        _bad(one.lost, "gone"),
        brief(one.alive_s),
        brief(one.busy_s),
        element("span", brief(one.wasted_s), class_="bad") if one.wasted_s else "0",
        percent(one.efficiency),
        _meter(one.efficiency, "completed"),
    ]


def _meter(share: float, kind: str) -> Html:
    return element(
        "span",
        element("span", class_=kind, style=f"width:{share:.1%}"),
        class_="meter",
        aria_hidden="true",
    )


def slowest(detail: ReportDetail) -> Html:
    """The attempts that took longest."""
    columns = [
        *(Column("task", ""), Column("outcome", "status"), Column("queue", "status")),
        *(Column("attempt"), Column("started"), Column("waited"), Column("ran")),
        Column("", "drawn"),
    ]
    longest = max((one.run_s for one in detail.slowest), default=0.0) or 1.0
    return table(columns, [_slow(one, detail, longest) for one in detail.slowest])


def _slow(one: SlowRun, detail: ReportDetail, longest: float) -> list[Inside]:
    first, last = detail.extent or (detail.made_at, detail.made_at)
    kind = kind_of(one.outcome)
    return [
        [one.name, element("small", f"task {one.task_id}, worker {one.worker_id}")],
        element("span", label(one.outcome), class_="bad" if kind == "wasted" else None),
        one.queue,
        number(one.number),
        when(one.started_at, among=last - first),
        brief(one.wait_s),
        brief(one.run_s),
        _meter(one.run_s / longest, one.outcome if kind == "wasted" else kind),
    ]


def failures(detail: ReportDetail) -> Html:
    """What went wrong, by what was said of it."""
    return join([_failure(detail, at) for at in range(len(detail.failures))])


def _failure(detail: ReportDetail, at: int) -> Html:
    one = detail.failures[at]
    first, last = detail.extent or (one.first_at, one.last_at)
    among = last - first
    told = ", ".join(f"{count:,} {label(name)}" for name, count in one.outcomes.items())
    end = f"{one.for_good:,}" if one.for_good else "none"
    more = ", …" if one.tasks > len(one.ids) else ""
    ids = ", ".join(f"#{task_id}" for task_id in one.ids) + more
    began, ended = when(one.first_at, among=among), when(one.last_at, among=among)
    span = f"At {began}" if began == ended else f"From {began} to {ended}"
    return element(
        "article",
        element("b", number(one.count), element("small", plural(one.count, "attempt").split()[1])),
        element(
            "div",
            element("code", one.name),
            element("pre", one.error or "nothing was said"),
            element(
                "p",
                f"{told}; of {plural(one.tasks, 'task')}, {end} failed for good. {span}: {ids}",
                class_="note",
            ),
        ),
        class_="failure",
    )
