"""Tasks, counts and reports as notebooks show them: small tables of HTML, all text escaped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from jobrunner.core.masking import Masking
from jobrunner.core.report import Report, Spread
from jobrunner.core.status import Status
from jobrunner.core.task import Progress, Task
from jobrunner.core.visible import visible

LONGEST: Final = 1_000
"""Characters of a text that are shown."""


def task_html(task: Task[Any]) -> str:
    """A task in a few rows; without its arguments, and with the secrets of its command masked."""
    masking = Masking.of(task.args, task.kwargs, command=task.command or ())
    runs = task.function or " ".join(masking.command(task.command or ()))
    rows = [
        ("status", task.status.value),
        ("runs", runs),
        ("description", masking.text(task.description)),
        ("queue", task.queue),
        ("attempt", f"{task.attempt} of {task.max_attempts}"),
        ("created", _moment(task.created_at)),
        ("started", _moment(task.started_at)),
        ("finished", _moment(task.finished_at)),
        ("progress", _progress(task.progress)),
        ("error", masking.text(task.error or "")),
    ]
    return _table(f"Task {task.id}", (), [row for row in rows if row[1]])


def counts_html(place: str, counts: Mapping[Status, int]) -> str:
    """How many tasks have which status."""
    rows = [(status.value, f"{number:,}") for status, number in counts.items() if number]
    return _table(f"TaskQueue {place}", ("status", "tasks"), rows)


def report_html(report: Report) -> str:
    """What the history adds up to."""
    counts = [(status.value, f"{n:,}") for status, n in report.tasks.items() if n]
    told = [
        ("throughput", f"{report.throughput_per_s:,.2f} a second"),
        ("waits", _spread(report.wait)),
        ("run times", _spread(report.run)),
    ]
    functions = [
        (one.name, f"{one.count:,}", f"{one.failed:,}", _spread(one.run))
        for one in report.functions
    ]
    workers = [
        (one.info.id, one.info.status.value, f"{one.completed:,}", f"{one.efficiency:.0%}")
        for one in report.workers
    ]
    return (
        _table("Report", (), counts + told)
        + _table("Functions", ("name", "attempts", "failed", "run times"), functions)
        + _table("Workers", ("id", "status", "completed", "efficiency"), workers)
    )


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(_row("td", row) for row in rows)
    top = f"<thead>{_row('th', head)}</thead>" if head else ""
    return f"<table><caption>{_shown(title)}</caption>{top}<tbody>{body}</tbody></table>"


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_shown(cell)}</{tag}>' for cell in cells)}</tr>"


def _shown(text: str) -> str:
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return escape(visible(cut))


def _moment(value: datetime | None) -> str:
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _progress(progress: Progress | None) -> str:
    if progress is None:
        return ""
    total = "" if progress.total is None else f" of {progress.total:g}"
    return f"{progress.done:g}{total} {progress.note or ''}".rstrip()


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"p50 {spread.p50:.3g} s, p95 {spread.p95:.3g} s, max {spread.max:.3g} s"
