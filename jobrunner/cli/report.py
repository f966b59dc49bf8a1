"""`jobrunner report` and `jobrunner status`: what was done, and what is going on."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.cli.report_file import STDOUT, judge, write_page
from jobrunner.cli.report_text import show_report
from jobrunner.cli.spans import parse_span, span_text
from jobrunner.core.condition import Condition
from jobrunner.core.control_objects import status_object
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.objects import report_object
from jobrunner.core.report import By, Report
from jobrunner.core.status import FINAL, OPEN, Status
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.task import Task


def report(
    context: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option(help="Only attempts of the last 90s, 2h, 7d.")
    ] = None,
    by: Annotated[By | None, typer.Option(help="Put attempts together by this.")] = None,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write it as one HTML page; - for stdout.")
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="Exit code 1 if it is so: 'failed>0'; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add up what was done, and how well.

    Counts, throughput, waits and run times, what was wasted, and for each worker its efficiency:
    busy seconds / (alive seconds x concurrency).
    """
    state: State = context.obj
    conditions = [Condition.parse(text) for text in fail_if or ()]
    span = parse_span(since) if since is not None else None
    if html == STDOUT and as_json:
        raise ConfigurationError(
            "--html - and --json both print to stdout", hint="Give --html a file."
        )
    if html is None:
        found = state.stored.report(since=span, by=by)
    else:
        found = _write(state, html, since=span, by=by)
    if as_json:
        render.as_json(report_object(found))
    elif html is None:
        show_report(found)
    judge(found, conditions)


def _write(state: "State", place: str, *, since: timedelta | None, by: By | None) -> Report:
    """Write the page; returns the report that it is of."""
    from jobrunner.report_page.page import as_html  # noqa: PLC0415 — only a page pays for it

    detail = state.stored.report_detail(since=since, by=by)
    write_page(as_html(detail), place, database=state.stored.store.database.path)
    return detail.report


def status(
    context: typer.Context,
    *,
    as_json: Json = False,
) -> None:
    """Tell what is going on now.

    How many tasks have which status, which of them run, and by which workers.
    """
    state: State = context.obj
    found = state.stored.status()
    now = state.stored.clock.now()
    if as_json:
        render.as_json(status_object(found, now))
        return
    counts, running, alive = found.tasks, found.running, found.workers
    for kind, statuses in (("Open ", OPEN), ("Ended", FINAL)):
        told = (f"{counts[name]} {name.label.lower()}" for name in Status if name in statuses)
        render.out(f"{kind}  {', '.join(told)}")
    if (oldest := found.oldest_pending) is not None:
        wait = max(0.0, (now - oldest).total_seconds())
        render.out(f"The oldest pending task has waited for {span_text(wait)}.")
    _print_running(running, now)
    if alive:
        render.out("")
    none = "No worker is running: start one with `jobrunner work`."
    print_workers(alive, now, none=none, running=state.stored.crews.running())


def _print_running(running: "Iterable[Task[Any]]", now: Any) -> None:
    rows = [
        (task.id, task.name, progress_text(task), _since(task.started_at, now), task.worker_id)
        for task in running
    ]
    if rows:
        render.out("")
        render.table(("id>", "running…", "progress…", "for>", "worker"), rows)


def print_workers(
    workers: Iterable[WorkerInfo], now: Any, *, none: str, running: Mapping[WorkerId, int]
) -> None:
    """A table of workers with how many tasks each is running, or the sentence for none."""
    rows = [
        (
            worker.id,
            _standing(worker, running.get(worker.id, 0)),
            worker.crew,
            f"{worker.host}:{worker.pid}",
            worker.executor,
            _slots(worker),
            ", ".join(worker.queues) or "all",
            f"{_since(worker.seen_at, now)} ago",
        )
        for worker in workers
    ]
    if not rows:
        render.talk(none)
        return
    render.table(
        ("worker", "status", "crew…", "process…", "executor", "slots>", "queues…", "seen"),
        rows,
    )


def _standing(worker: WorkerInfo, running: int) -> str:
    """Whether a worker claims, in a word: one that is paused is draining while it still runs."""
    if worker.status is WorkerStatus.RUNNING and worker.paused_at is not None:
        return "draining" if running else "paused"
    return worker.status.value


def _slots(worker: WorkerInfo) -> str:
    """With how many slots a worker works, and with how many it is to."""
    if worker.wanted in (None, worker.concurrency):
        return str(worker.concurrency)
    return f"{worker.concurrency}, wanted {worker.wanted}"


def _since(then: Any, now: Any) -> str:
    return "-" if then is None else span_text(max(0.0, (now - then).total_seconds()))


def progress_text(task: "Task[Any]") -> str:
    """How far a task is: `30/100 (30%) halving`."""
    progress = task.progress
    if progress is None:
        return ""
    told = f"{progress.done:g}"
    if progress.total:
        told += f"/{progress.total:g} ({progress.done / progress.total:.0%})"
    return told + (f" {progress.note}" if progress.note else "")
