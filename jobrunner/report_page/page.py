"""The page: its head, the verdict, the figures, and a section for each question."""

from dataclasses import replace
from typing import Final

from jobrunner import _version
from jobrunner.core.account import Grouped
from jobrunner.core.insight_graph import Lane
from jobrunner.core.masking import Masking
from jobrunner.core.report import Report, Spread
from jobrunner.core.report_detail import KINDS, ReportDetail
from jobrunner.core.status import OPEN, Status
from jobrunner.report_page import tables
from jobrunner.report_page.charts import NAMES, legend, pace, stack
from jobrunner.report_page.html import Html, Inside, element, join
from jobrunner.report_page.lanes import lanes
from jobrunner.report_page.style import style
from jobrunner.report_page.words import brief, number, percent, period, plural

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Nothing is loaded and nothing runs, whatever a task has written."""


def as_html(detail: ReportDetail) -> str:
    """The whole page, in which what looks like a secret is masked."""
    detail = _masked(detail)
    title = f"{detail.database}: report"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(style())),
    )
    body = element("body", element("main", _top(detail), _sections(detail)), _foot(detail))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _top(detail: ReportDetail) -> Html:
    ran = "Nothing has run yet."
    if detail.extent is not None:
        ran = f"{period(*detail.extent)} · {brief(detail.report.elapsed_s)}"
    return join(
        element("p", "jobrunner report", class_="soft"),
        element("h1", detail.database),
        element("p", ran, class_="soft"),
        element("p", _verdict(detail.report), class_="verdict"),
        element("dl", _figures(detail.report), class_="figures"),
    )


def _verdict(report: Report) -> list[Inside]:
    """The whole in two or three sentences."""
    failed = report.tasks.get(Status.FAILED, 0)
    left = sum(report.tasks.get(status, 0) for status in OPEN)
    told: list[Inside] = [plural(report.tasks.get(Status.COMPLETED, 0), "task"), " completed"]
    if failed:
        told += [", ", element("strong", f"{failed:,} failed", class_="bad")]
    told.append(f"; {left:,} are still open." if left else "; none is open any more.")
    if report.wasted_s:
        share = report.wasted_s / report.busy_s if report.busy_s else 0.0
        told += [
            f" Workers were busy for {brief(report.busy_s)}, of which ",
            element("strong", f"{brief(report.wasted_s)} ({percent(share)})", class_="bad"),
            " went into attempts that failed or were lost.",
        ]
    elif report.busy_s:
        told.append(f" Workers were busy for {brief(report.busy_s)}, none of it in vain.")
    return told


def _figures(report: Report) -> list[Html]:
    ended = sum(report.attempts.values())
    wait, run = report.wait, report.run
    return [
        _figure("Attempts", number(ended), plural(sum(report.tasks.values()), "task")),
        _figure("Completed a second", number(report.throughput_per_s), _in(report)),
        _figure("Median wait", brief(wait.p50 if wait else None), _tail(wait)),
        _figure("Median run", brief(run.p50 if run else None), _tail(run)),
        _figure("Efficiency", percent(report.efficiency), plural(len(report.workers), "worker")),
        _figure("Wasted", brief(report.wasted_s), f"of {brief(report.busy_s)} busy", "bad"),
    ]


def _in(report: Report) -> str:
    return f"in {brief(report.elapsed_s)}"


def _tail(spread: Spread | None) -> str:
    return f"95 % within {brief(spread.p95 if spread else None)}"


def _figure(name: str, value: str, told: str, kind: str | None = None) -> Html:
    is_none = value in ("0", "0 s")
    return element(
        "div",
        element("dt", name),
        element("dd", value, element("small", told), class_=None if is_none else kind),
    )


def _sections(detail: ReportDetail) -> Html:
    report = detail.report
    drawn = lanes(detail)
    every = "" if detail.grid is None else f", counted every {detail.grid.width_text}"
    return join(
        _section("Throughput", f"Attempts that ended{every}; UTC.", _pace(detail)),
        _section("Where the time went", _TIME, _time(report)),
        _section("Run times", _RUNS, tables.functions(detail) if detail.functions else None),
        _section("Waits", _WAITS, tables.queues(detail) if detail.queues else None),
        _section(f"By {report.by}", "", tables.groups(detail) if report.groups else None),
        _section("Failures", _failed(detail), tables.failures(detail) or None),
        _section("Workers", _WORKERS, tables.workers(report.workers) if report.workers else None),
        _section("Timeline", _TIMELINE if detail.timeline else _STRIPS, drawn),
        _section("Slowest runs", "", tables.slowest(detail) if detail.slowest else None),
    )


_TIME: Final = "The seconds of all slots; wasted are those of attempts that left nothing behind."
_RUNS: Final = "How long attempts ran, however they ended; lines at p50, p95 and p99."
_WAITS: Final = "From when a task could have run to the start of its attempt."
_WORKERS: Final = "Efficiency is busy seconds / (alive seconds x slots)."
_TIMELINE: Final = "Each attempt in the slot of its worker, UTC."
_STRIPS: Final = "How much of its slots each of the busiest workers used, UTC."


def _failed(detail: ReportDetail) -> str:
    newest = " Of the newest attempts only." if detail.failures_cut else ""
    return f"Errors that differ in numbers, paths and the like only are one.{newest}"


def _section(title: str, note: str, inside: Html | None) -> Html | None:
    """A section, if there is something to tell."""
    if not inside:
        return None
    told = element("p", note, class_="note") if note else None
    is_long = inside.count("<tr") + inside.count("<article") > _LONG
    return element(
        "section", element("h2", title), told, inside, class_="long" if is_long else None
    )


_LONG: Final = 12
"""Rows that may go over to another sheet."""


def _pace(detail: ReportDetail) -> Html | None:
    if detail.grid is None:
        return None
    sums = {kind: sum(one[at] for one in detail.ends) for at, kind in enumerate(KINDS)}
    told = [(kind, NAMES[kind], number(count)) for kind, count in sums.items() if count]
    return join(legend(told), pace(detail.ends, detail.grid))


def _time(report: Report) -> Html | None:
    busy = max(0.0, report.busy_s - report.wasted_s)
    idle = max(0.0, sum(one.offered_s for one in report.workers) - report.busy_s)
    wasted = [(kind, NAMES[kind], seconds) for kind, seconds in report.wasted.items()]
    parts = [("completed", "useful", busy), *wasted, ("idle", "idle", idle)]
    if not any(seconds for *_, seconds in parts):
        return None
    return stack(parts, "Where the workers' time went")


def _foot(detail: ReportDetail) -> Html:
    late = f" Only what ended since {detail.since:%Y-%m-%d %H:%M:%S} UTC." if detail.since else ""
    return element(
        "footer",
        element(
            "p",
            f"Made {detail.made_at:%Y-%m-%d %H:%M:%S} UTC by jobrunner {_version.__version__}."
            f"{late} "
            "Quantiles by the nearest-rank method, rounded down to three digits. "
            "Counts of tasks are those of now.",
        ),
    )


def _masked(detail: ReportDetail) -> ReportDetail:
    """Without secrets in the names and errors of tasks: a command is the name of its task."""
    mask = Masking().text
    shown = detail.timeline
    return replace(
        detail,
        report=replace(
            detail.report,
            groups=[replace(one, name=mask(one.name)) for one in detail.report.groups],
        ),
        functions=[_named(one, mask(one.report.name)) for one in detail.functions],
        failures=[
            replace(one, name=mask(one.name), error=mask(one.error)) for one in detail.failures
        ],
        slowest=[replace(one, name=mask(one.name)) for one in detail.slowest],
        timeline=None if shown is None else replace(shown, lanes=list(map(_lane, shown.lanes))),
    )


def _named(one: Grouped, name: str) -> Grouped:
    return replace(one, report=replace(one.report, name=name))


def _lane(lane: Lane) -> Lane:
    mask = Masking().text
    return replace(lane, bars=[replace(bar, name=mask(bar.name)) for bar in lane.bars])
