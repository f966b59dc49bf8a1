"""`jobrunner status`: what is going on now, once or all the time."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.cli.screen import in_place
from jobrunner.cli.simulate import left_text
from jobrunner.cli.spans import parse_span, span_text
from jobrunner.core.control_objects import status_object
from jobrunner.core.estimate_objects import estimate_object
from jobrunner.core.status import FINAL, OPEN, Status
from jobrunner.core.task import WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.runtime.noted import noted

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.estimate import Estimate
    from jobrunner.core.system import SystemStatus
    from jobrunner.core.task import Task

LATELY: Final = timedelta(minutes=1)
"""What the rates are of, and up to 10 s more."""


def status(
    context: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again.")] = False,
    every: Annotated[str, typer.Option(help="How long to wait between two looks.")] = "2s",
    as_json: Json = False,
) -> None:
    """Tell what is going on now.

    How many tasks have which status, which of them run, and by which workers. With --watch until
    Ctrl-C: on a terminal in place, in a pipe one after the other, as JSON a line a look.
    """
    state: State = context.obj
    if not watch:
        _look(state, as_json=render.as_json if as_json else None)
        return
    pause = parse_span(every).total_seconds()
    stopped = threading.Event()
    with noted(lambda _: stopped.set()) as received, in_place() as screen:
        while True:
            with screen():
                _look(state, as_json=render.json_line if as_json else None)
            if stopped.wait(pause):
                break
    raise typer.Exit(128 + received[0])


def _look(state: "State", as_json: Callable[[Any], None] | None) -> None:
    found, now = state.stored.status(), state.stored.clock.now()
    rates, left = _rates(state, now), state.stored.estimates.of_each(found.running)
    if as_json is not None:
        shown = status_object(found, now)
        for task, estimate in zip(shown["running"], left, strict=True):
            task["left"] = estimate_object(estimate)
        as_json(shown | {"rates": rates})
        return
    _print(found, now, rates)
    _print_running(found.running, left, now)
    if found.workers:
        render.out("")
    none = "No worker is running: start one with `jobrunner work`."
    print_workers(found.workers, now, none=none, running=state.stored.crews.running())


def _rates(state: "State", now: datetime) -> dict[str, float]:
    """How many attempts ended lately, a second."""
    buckets = state.stored.insight.series(now - LATELY, now, 6)
    seconds = (now - buckets[0].at).total_seconds()
    return {
        "completed_per_s": sum(one.completed for one in buckets) / seconds,
        "failed_per_s": sum(one.failed for one in buckets) / seconds,
        "of_s": seconds,
    }


def _print(found: "SystemStatus", now: datetime, rates: Mapping[str, float]) -> None:
    for kind, statuses in (("Open ", OPEN), ("Ended", FINAL)):
        told = (f"{found.tasks[name]} {name.label.lower()}" for name in Status if name in statuses)
        render.out(f"{kind}  {', '.join(told)}")
    completed, failed = rates["completed_per_s"], rates["failed_per_s"]
    if completed or failed:
        render.out(
            f"Rate   {completed:,.1f}/s completed, {failed:,.1f}/s failed, in the last minute"
        )
    if (oldest := found.oldest_pending) is not None:
        wait = max(0.0, (now - oldest).total_seconds())
        render.out(f"The oldest pending task has waited for {span_text(wait)}.")


def _print_running(running: "Iterable[Task[Any]]", left: "Iterable[Estimate]", now: Any) -> None:
    rows = [
        (
            task.id,
            task.name,
            str(task.progress or ""),
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
