"""`jobrunner report` and `jobrunner status`: what was done, and what is going on."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.cli.simulate import left_text
from jobrunner.cli.spans import parse_span, span_text
from jobrunner.core.control_objects import status_object
from jobrunner.core.estimate_objects import estimate_object
from jobrunner.core.objects import report_object
from jobrunner.core.outcome import label
from jobrunner.core.report import Report, Spread
from jobrunner.core.status import FINAL, OPEN, Status
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.estimate import Estimate
    from jobrunner.core.task import Task


def report(
    context: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option(help="Only attempts of the last 90s, 2h, 7d.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add up what was done, and how well.

    Counts, throughput, waits and run times, and for each worker its efficiency: busy seconds /
    (alive seconds x concurrency).
    """
    state: State = context.obj
    found = state.stored.report(since=parse_span(since) if since is not None else None)
    if as_json:
        render.as_json(report_object(found))
    else:
        show_report(found)


def show_report(found: Report) -> None:
    """Print a report for people."""
    total = sum(found.tasks.values())
    counts = [f"{count} {status.label.lower()}" for status, count in found.tasks.items() if count]
    render.out(f"Tasks     {total}" + (f": {', '.join(counts)}" if counts else ""))
    attempts = [f"{count} {label(name)}" for name, count in found.attempts.items()]
    render.out(
        f"Attempts  {sum(found.attempts.values())}"
        + (f": {', '.join(attempts)}" if attempts else "")
    )
    render.out(
        f"Elapsed   {span_text(found.elapsed_s)}, {found.throughput_per_s:,.1f} completed a second"
    )
    render.out(f"Wait      {_spread(found.wait)}")
    render.out(f"Run       {_spread(found.run)}")
    if found.functions:
        render.out("")
        render.table(
            ("function…", "attempts>", "failed>", "p50>", "p95>", "max>"),
            (
                (one.name, one.count, one.failed, *_cells(one.run))
                for one in sorted(found.functions, key=lambda one: -one.count)
            ),
        )
    if found.workers:
        render.out("")
        render.table(
            (
                "worker",
                "status",
                "slots>",
                "completed>",
                "failed>",
                "lost>",
                "busy>",
                "efficiency>",
            ),
            (
                (
                    one.info.id,
                    one.info.status,
                    one.info.concurrency,
                    one.completed,
                    one.failed,
                    one.lost,
                    span_text(one.busy_s),
                    f"{one.efficiency:.1%}",
                )
                for one in found.workers
            ),
        )


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "nothing has run yet"
    p50, p95, longest = _cells(spread)
    return f"{p50} median, {p95} 95th percentile, {longest} longest"


def _cells(spread: Spread | None) -> tuple[str, str, str]:
    if spread is None:
        return "-", "-", "-"
    return span_text(spread.p50), span_text(spread.p95), span_text(spread.max)


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
    left = state.stored.estimates.of_each(found.running)
    if as_json:
        shown = status_object(found, now)
        for task, estimate in zip(shown["running"], left, strict=True):
            task["left"] = estimate_object(estimate)
        render.as_json(shown)
        return
    counts, running, alive = found.tasks, found.running, found.workers
    for kind, statuses in (("Open ", OPEN), ("Ended", FINAL)):
        told = (f"{counts[name]} {name.label.lower()}" for name in Status if name in statuses)
        render.out(f"{kind}  {', '.join(told)}")
    if (oldest := found.oldest_pending) is not None:
        wait = max(0.0, (now - oldest).total_seconds())
        render.out(f"The oldest pending task has waited for {span_text(wait)}.")
    _print_running(running, left, now)
    if alive:
        render.out("")
    none = "No worker is running: start one with `jobrunner work`."
    print_workers(alive, now, none=none, running=state.stored.crews.running())


def _print_running(running: "Iterable[Task[Any]]", left: "Iterable[Estimate]", now: Any) -> None:
    rows = [
        (
            task.id,
            task.name,
            progress_text(task),
            _since(task.started_at, now),
            left_text(estimate),
            task.worker_id,
        )
        for task, estimate in zip(running, left, strict=True)
    ]
    if rows:
        render.out("")
        render.table(("id>", "running…", "progress…", "for>", "left>", "worker…"), rows)


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
