"""`jobrunner crashtest`: run tasks while their workers are killed, and say what came of it."""

import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.crash_report import crash_object, show_crashes
from jobrunner.cli.demo import empty_folder
from jobrunner.cli.enqueue import source_data
from jobrunner.cli.options import Json
from jobrunner.cli.spans import parse_span
from jobrunner.config import Settings, open_queue
from jobrunner.core.errors import ConfigurationError, InvalidTaskError, UnknownFunctionError
from jobrunner.core.lines import read_lines
from jobrunner.core.objects import task_object

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.new_task import NewTask
    from jobrunner.testing.crash_check import Check
    from jobrunner.testing.crash_examine import CrashReport

DATABASE: Final = "crashtest.db"
"""The database of a test, in its folder."""


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
    as_json: Json = False,
) -> None:
    """Run your tasks while their workers are killed.

    They run in a database of their own. Workers die by SIGKILL, at random moments
    and just before and after each COMMIT, and are replaced. Then all tasks are left
    to end.
    --check is a program with arguments, run without a shell. It finds the task in
    JOBRUNNER_TASK_ID and JOBRUNNER_TASK (JSON), how often it ran in
    JOBRUNNER_ATTEMPTS, and the database in JOBRUNNER_DB. Ends with 0 if all tasks
    ended, no check complained and none failed after a kill. What tasks do outside
    the database they really do, and again.
    """
    state: State = context.obj
    app = state.settings.app
    spent = {"kills": kills, "workers": workers, "concurrency": concurrency, "seed": seed}
    longest = parse_span(timeout).total_seconds()
    if longest <= 0:
        raise ConfigurationError("--timeout must be longer than nothing", hint="Write 10m or 2h.")
    options = {**spent, "timeout": longest, "check": _check(check)}
    data = source_data(source)
    place = empty_folder(keep, "jobrunner-crashtest-")
    keeps = keep is not None
    try:
        report = _run(place, app, data, options)
        keeps = keeps or bool(report.problems)
    finally:
        if not keeps:
            shutil.rmtree(place, ignore_errors=True)
    render.as_json(crash_object(report, seed)) if as_json else show_crashes(report, kills)
    if keeps:
        render.talk(f"Look around: jobrunner --db {shlex.quote(str(place / DATABASE))} task list")
    if report.problems:
        raise typer.Exit(1)


def _run(place: Path, app: str | None, data: bytes, options: dict[str, Any]) -> "CrashReport":
    """Never in the application's own database: it is told to live in `place`."""
    from jobrunner.testing.crashtest import CrashTest  # noqa: PLC0415 — `--help` must be quick

    queue = open_queue(Settings(db=str(place / DATABASE), app=app))
    tasks = read_lines(data, queue.new_task).tasks
    _refuse(tasks, app)
    render.talk(f"Running {len(tasks)} tasks in {place}, seed {options['seed']}.")
    with render.bar("kills") as advance:
        progress = _progress(advance, options["kills"])
        report = CrashTest(queue=queue, folder=place, progress=progress, **options).run(tasks)
    queue.close()
    return report


def _refuse(tasks: "Sequence[NewTask[Any]]", app: str | None) -> None:
    """Whatever would end at once and prove nothing."""
    if not tasks:
        raise InvalidTaskError("there is no task to run", hint="Give one as a JSON line.")
    functions = [task.function for task in tasks if task.function]
    if app is None and functions:
        raise UnknownFunctionError(functions[0], [])


def _check(command: str | None) -> "Check | None":
    from jobrunner.testing.crash_check import Check  # noqa: PLC0415 — `--help` must be quick

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
