"""`jobrunner work`: run tasks until told to stop, for a time, or until none is left."""

import functools
import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import completion, render
from jobrunner.cli.amounts import parse_amounts
from jobrunner.cli.report_text import show_report
from jobrunner.cli.spans import parse_seconds, parse_span
from jobrunner.core.errors import ConfigurationError, DatabaseError
from jobrunner.core.objects import report_object
from jobrunner.core.size import parse_size
from jobrunner.core.status import OPEN
from jobrunner.runtime.noted import noted

if TYPE_CHECKING:
    from jobrunner import Scheduler, Worker
    from jobrunner.cli.state import State
    from jobrunner.task_queue import TaskQueue

LOOK_EVERY = 0.5
"""Seconds between two movements of the progress bar."""


def work(
    context: typer.Context,
    *,
    queue: Annotated[
        list[str] | None,
        typer.Option(
            "--queue",
            "-q",
            autocompletion=completion.queues,
            help="Only this queue, q=N with at most N at a time.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Its crew, paused and resized together; default: the host's name."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", help="Tasks at a time, each worker.")
    ] = None,
    executor: Annotated[
        str, typer.Option(help="Where functions run: thread, process, async, or a plug-in: dask.")
    ] = "thread",
    address: Annotated[
        str | None, typer.Option(help="The plug-in's engine, such as tcp://HOST:8786.")
    ] = None,
    offers: Annotated[
        str | None, typer.Option(help="What each worker has for tasks with needs: gpu=2,memory=16.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=1000, help="Worker processes.")] = 1,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when nothing is left that could run.")
    ] = False,
    duration: Annotated[str | None, typer.Option(help="End after so long: 90, 5m, 2h.")] = None,
    max_tasks: Annotated[
        int | None, typer.Option(min=1, help="End each worker after so many tasks.")
    ] = None,
    capture: Annotated[
        bool, typer.Option(help="Keep what functions print and log: `task log`.")
    ] = True,
    heartbeat: Annotated[str, typer.Option(help="How often a worker shows life.")] = "5s",
    lost_after: Annotated[str, typer.Option(help="Silence after which it counts as lost.")] = "30s",
    shutdown_grace: Annotated[str, typer.Option(help="What running tasks get to end in.")] = "15s",
    kill_grace: Annotated[str, typer.Option(help="From asking to end to killing.")] = "5s",
    max_tasks_per_child: Annotated[
        int | None,
        typer.Option(min=1, help="--executor process: a child's share of tasks. [1000]"),
    ] = None,
    max_memory_per_child: Annotated[
        str | None,
        typer.Option(help="--executor process: replace a child that has more, 512M, after a task."),
    ] = None,
    health: Annotated[
        str | None, typer.Option(help="Answer probes at HOST:PORT: /livez and /readyz.")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="text or json.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the final report as JSON.")
    ] = False,
) -> None:
    """Run tasks. Ctrl-C or SIGTERM ends in order, a second one at once."""
    state: State = context.obj
    limits = {
        "until_empty": until_empty,
        "duration": parse_seconds(duration),
        "max_tasks": max_tasks,
    }
    options = {
        "name": name,
        "concurrency": concurrency,
        "executor": executor,
        "executor_options": {} if address is None else {"address": address},
        "offers": parse_amounts(offers) if offers is not None else {},
        "queues": dict(_limit(word) for word in queue or ()),
        "capture": capture,
        "heartbeat": parse_span(heartbeat).total_seconds(),
        "lost_after": parse_span(lost_after).total_seconds(),
        "shutdown_grace": parse_span(shutdown_grace).total_seconds(),
        "kill_grace": parse_span(kill_grace).total_seconds(),
        "max_tasks_per_child": max_tasks_per_child,
        "max_memory_per_child": max_memory_per_child and parse_size(max_memory_per_child),
    }
    show_bar = until_empty and render.shows_bars()
    set_up = log_setup(state, log_format, quiet=show_bar)
    started_at = state.queue.clock.now()
    with _bar(state.queue) if show_bar else nullcontext():
        stopped_by = _run(state.queue, workers, set_up, options, limits, health=health)
    if until_empty or duration is not None or max_tasks is not None:
        report = state.queue.report(since=started_at)
        if as_json:
            render.as_json(report_object(report))
        else:
            show_report(report)
    if stopped_by:
        raise typer.Exit(128 + stopped_by)


def _run(
    queue: "TaskQueue",
    workers: int,
    set_up: Callable[[], None],
    options: dict[str, Any],
    limits: dict[str, Any],
    *,
    health: str | None = None,
) -> int:
    """Work in this process, or in several; returns the signal that ended it, or 0."""
    from jobrunner import Scheduler, Worker  # noqa: PLC0415 — `--help` needs no SQLAlchemy
    from jobrunner.runtime.collector import calm  # noqa: PLC0415 — as above

    set_up()
    _warn_of_old_sqlite()
    if workers == 1:
        worker = Worker(queue, **options)
        calm()
        with noted(worker.stop) as received, _probed(queue, worker, health):
            worker.run(**limits)
        return received[0] if received else 0
    scheduler = Scheduler(queue, workers=workers, setup=set_up, **options)
    with (
        noted(lambda _reason: scheduler.stop()) as received,
        _probed(queue, scheduler, health),
    ):
        scheduler.run(**limits)
    return received[0] if received else 0


@contextmanager
def _probed(
    queue: "TaskQueue", runner: "Worker | Scheduler", address: str | None
) -> Generator[None]:
    """Answer probes of it at an address, if there is one."""
    if address is None:
        yield
        return
    from jobrunner.runtime.probes import Probes, parse_address  # noqa: PLC0415 — as above

    lost_after = runner.options.lost_after
    probes = Probes(parse_address(address), runner, queue, lost_after=lost_after)
    probes.start()
    try:
        yield
    finally:
        probes.close()


def _limit(word: str) -> tuple[str, int | None]:
    """Read `queue` or `queue=limit`."""
    name, sign, limit = word.partition("=")
    if not sign:
        return name, None
    if not limit.isdecimal() or not name:
        raise ConfigurationError(f"{word!r} is no queue", hint="Write --queue images or images=4.")
    return name, int(limit)


def log_setup(state: "State", form: str | None, *, quiet: bool) -> Callable[[], None]:
    """What sets up logging, here and in worker processes."""
    from jobrunner.observe import logs  # noqa: PLC0415 — only `work` logs

    form = form or state.settings.log_format or "text"
    if form not in logs.FORMATS:
        raise ConfigurationError(f"there is no log format {form!r}", hint="Use text or json.")
    levels = [logging.WARNING if quiet else logging.INFO, logging.INFO, logging.DEBUG]
    level = (
        levels[min(state.ending.verbosity, 2)]
        if quiet
        else levels[1 + min(state.ending.verbosity, 1)]
    )
    return functools.partial(logs.configure, form=form, level=level)


def _warn_of_old_sqlite() -> None:
    from jobrunner.observe.logs import logger  # noqa: PLC0415 — only `work` logs
    from jobrunner.storage.sqlite import choose_driver, has_wal_reset_bug  # noqa: PLC0415

    driver = choose_driver()
    if has_wal_reset_bug(driver.sqlite_version_info):
        logger.warning(
            "SQLite %s can damage a database that several connections write (the WAL-reset race);"
            " install pysqlite3 where it has a wheel",
            driver.sqlite_version,
        )


@contextmanager
def _bar(queue: "TaskQueue") -> Generator[None]:
    """Show how many tasks of all have ended, from a thread of its own.

    Yields once the bar is there: what is logged from then on goes above it.
    """
    drawn, ended = threading.Event(), threading.Event()

    def look() -> None:
        with render.bar("Working") as show:
            drawn.set()
            while not ended.wait(LOOK_EVERY):
                with suppress(DatabaseError):  # the workers tell of it
                    counts = queue.counts()
                    total = sum(counts.values())
                    show(total - sum(counts[status] for status in OPEN), total)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    drawn.wait(LOOK_EVERY)
    try:
        yield
    finally:
        ended.set()
        thread.join()
