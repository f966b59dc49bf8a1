"""`jobrunner crashtest`: run tasks while their workers are killed, and say what came of it."""

import shlex
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.demo import empty_folder
from jobrunner.cli.enqueue import source_data
from jobrunner.cli.lines import read_lines
from jobrunner.cli.objects import task_object
from jobrunner.cli.spans import parse_span, span_text
from jobrunner.config import Settings, open_queue
from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.testing.crash_examine import Check, CrashReport

DATABASE: Final = "crashtest.db"
"""The database of a test, in its folder."""

TOLD: Final = 10
"""Problems, and tasks that ran again, that are told one by one."""

WIDTH: Final = 80
"""Columns of the report."""

NAME: Final = 28
"""Columns of a task's name in it."""


def crashtest(
    context: typer.Context,
    *,
    source: Annotated[str, typer.Option("--from", help="The tasks: JSON lines, - for stdin.")],
    kills: Annotated[int, typer.Option(min=1, help="How many kills, if the tasks last.")] = 50,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 2,
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-c", min=1, max=1000, help="Tasks at a time, each.")
    ] = 4,
    seed: Annotated[int, typer.Option(help="For the chances of dying.")] = 0,
    check: Annotated[
        str | None,
        typer.Option(help="Run for each task that ran again; 0: its effect is there once."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Work in this empty folder, and keep it.")
    ] = None,
    timeout: Annotated[str, typer.Option(help="End after so long: 90, 5m, 2h.")] = "10m",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run your tasks while their workers are killed, in a database of their own.

    Workers die by SIGKILL, at random moments and just before and after each COMMIT,
    and are replaced; no task is hit more than three times. Then all are left to end.
    --check is a program with arguments, run without a shell. It finds the task in
    JOBRUNNER_TASK_ID and JOBRUNNER_TASK (JSON), how often it ran in
    JOBRUNNER_ATTEMPTS, and the database in JOBRUNNER_DB. Ends with 0 if all tasks
    ended, no check complained and none failed after a kill. What tasks do outside
    the database they really do, and again.
    """
    state: State = context.obj
    app = state.settings.app
    spent = {"kills": kills, "workers": workers, "concurrency": concurrency, "seed": seed}
    options = {**spent, "timeout": parse_span(timeout).total_seconds(), "check": _check(check)}
    data = source_data(source)
    place = empty_folder(keep, "jobrunner-crashtest-")
    keeps = keep is not None
    try:
        report = _run(place, app, data, options)
        keeps = keeps or bool(report.problems)
    finally:
        if not keeps:
            shutil.rmtree(place, ignore_errors=True)
    render.as_json(_object(report, seed)) if as_json else _show(report, kills)
    if keeps:
        render.talk(f"Look around: jobrunner --db {shlex.quote(str(place / DATABASE))} task list")
    if report.problems:
        raise typer.Exit(1)


def _run(place: Path, app: str | None, data: bytes, options: dict[str, Any]) -> "CrashReport":
    """Never in the application's own database: it is told to live in `place`."""
    from jobrunner.testing.crashtest import CrashTest  # noqa: PLC0415 — `--help` must be quick

    queue = open_queue(Settings(db=str(place / DATABASE), app=app))
    tasks = read_lines(data, queue.new_task).tasks
    render.talk(f"Running {len(tasks)} tasks in {place}, seed {options['seed']}.")
    with render.bar("kills") as advance:
        progress = _progress(advance, options["kills"])
        report = CrashTest(queue=queue, folder=place, progress=progress, **options).run(tasks)
    queue.close()
    return report


def _check(command: str | None) -> "Check | None":
    from jobrunner.testing.crash_examine import Check  # noqa: PLC0415 — `--help` must be quick

    if command is None:
        return None
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise ConfigurationError(f"--check cannot be read: {error}") from error
    if not argv or shutil.which(argv[0]) is None:
        raise ConfigurationError(
            f"--check names no program: {command!r}",
            hint="Name one with its arguments; it is run without a shell.",
        )
    return Check(argv, task_object)


def _progress(
    advance: Callable[[int, int | None], None], kills: int
) -> Callable[[int, int, int], None]:
    """On a terminal a bar; and everywhere a line for each tenth of the kills."""
    told = 0

    def show(killed: int, ended: int, total: int) -> None:
        nonlocal told
        advance(killed, kills)
        if killed * 10 // kills > told:
            told = killed * 10 // kills
            render.talk(f"{killed} of {kills} kills, {ended} of {total} tasks have ended")

    return show


def _show(report: "CrashReport", asked: int) -> None:
    """Print the report for people."""
    rerun = len(report.reruns)
    _line("Kills", _counted(report.killed, report.kills))
    if report.killed < asked:
        _line("", f"{asked} were asked for, but the tasks ended: give it more or longer ones")
    _line("Tasks", _counted(sum(report.tasks.values()), report.tasks))
    _line("Attempts", f"{report.attempts}; {rerun} tasks ran more than once")
    _line("Lost", f"{report.lost}")
    _line("Twice", f"{report.completed_twice} completed twice")
    if report.checked:
        _line("Checked", f"{report.checked}; {len(report.not_idempotent)} not idempotent")
    _line("Elapsed", span_text(report.elapsed_s))
    if report.reruns:
        render.out("")
        render.table(("task>", "name", "status", "attempts>", "lost>", "check"), _rows(report))
        if rerun > TOLD:
            render.talk(f"and {rerun - TOLD} more that ran again; --json tells all")
    for problem in report.problems[:TOLD]:
        render.talk("\n  ".join(textwrap.wrap(f"WRONG: {problem}", WIDTH - 2)))
    if report.problems:
        render.talk(f"Found {len(report.problems)} problems.")


def _line(name: str, text: str) -> None:
    lines = textwrap.wrap(text, WIDTH - 10)
    render.out(f"{name:10}" + f"\n{'':10}".join(lines))


def _counted(total: int, parts: Any) -> str:
    told = ", ".join(f"{number} {name}" for name, number in parts.items())
    return f"{total}: {told}" if told else f"{total}"


def _rows(report: "CrashReport") -> Iterator[Sequence[render.Cell]]:
    """Those with a complaint first, then those that ran most often."""
    worst = sorted(report.reruns, key=lambda r: (r.complaint is None, -len(r.outcomes), r.task_id))
    for rerun in worst[:TOLD]:
        verdict = "" if not report.checked else "ok" if rerun.complaint is None else "WRONG"
        yield (
            rerun.task_id,
            textwrap.shorten(rerun.name, NAME, placeholder="…"),
            rerun.status.value,
            len(rerun.outcomes),
            rerun.outcomes.count("lost"),
            verdict,
        )


def _object(report: "CrashReport", seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "kills": dict(report.kills),
        "tasks": {status.value: number for status, number in report.tasks.items()},
        "attempts": report.attempts,
        "lost": report.lost,
        "completed_twice": report.completed_twice,
        "reruns": [
            {
                "task_id": rerun.task_id,
                "name": rerun.name,
                "status": rerun.status.value,
                "outcomes": list(rerun.outcomes),
                "error": rerun.error,
                "complaint": rerun.complaint,
            }
            for rerun in report.reruns
        ],
        "checked": report.checked,
        "problems": list(report.problems),
        "elapsed_s": report.elapsed_s,
    }
