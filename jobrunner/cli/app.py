"""The command `jobrunner`: its options, its commands, and how it ends."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner import __version__
from jobrunner.cli import control, db, demo, enqueue, render, report, work
from jobrunner.config import Settings, load, open_queue
from jobrunner.core import errors

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

EXIT_CODES: Final = {
    errors.UnknownFunctionError: 2,
    errors.InvalidTaskError: 2,
    errors.ConfigurationError: 2,
    errors.TaskNotFoundError: 3,
    errors.DatabaseError: 4,
    errors.ApplicationError: 5,
    errors.TaskFailedError: 6,
    errors.WaitTimeoutError: 7,
}
"""The first of these that an error is decides the exit code; any other is 1."""

GLOBAL: Final = {"--db": True, "-A": True, "--app": True, "-v": False, "-vv": False}
"""Options that may stand before and behind a command, and whether a value follows."""


@dataclass
class State:
    """What the commands share."""

    command: list[str] | None
    """What stood behind `--`."""
    settings: Settings = field(default_factory=Settings)
    verbosity: int = 0
    in_json: bool = False

    @cached_property
    def queue(self) -> "TaskQueue":
        """The queue that the settings name."""
        return open_queue(self.settings)


app = typer.Typer(
    name="jobrunner",
    help="A persistent job runner: tasks in one SQLite file, run by any number of workers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
task_commands = typer.Typer(help="Look at tasks and act on them.", no_args_is_help=True)
worker_commands = typer.Typer(help="Look at workers.", no_args_is_help=True)
db_commands = typer.Typer(help="See to the database.", no_args_is_help=True)

app.command()(enqueue.enqueue)
app.command()(work.work)
app.command()(report.report)
app.command()(report.status)
app.add_typer(task_commands, name="task")
app.add_typer(worker_commands, name="worker")
app.add_typer(db_commands, name="db")
app.command()(demo.demo)
task_commands.command("list")(control.list_tasks)
task_commands.command("show")(control.show)
task_commands.command("cancel")(control.cancel)
task_commands.command("retry")(control.retry)
task_commands.command("update")(control.update)
task_commands.command("wait")(control.wait)
task_commands.command("log")(control.log)
worker_commands.command("list")(control.list_workers)
db_commands.command("upgrade")(db.upgrade)
db_commands.command("check")(db.check)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 — Typer calls it so
    if wanted:
        render.out(f"jobrunner {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    db: Annotated[
        str | None,
        typer.Option(help="Database: a path or a URL. [JOBRUNNER_DB, default ./jobrunner.db]"),
    ] = None,
    app: Annotated[
        str | None,
        typer.Option("--app", "-A", help="Application: module:attribute. [JOBRUNNER_APP]"),
    ] = None,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Tell more; -vv with tracebacks.")
    ] = 0,
    version: Annotated[  # noqa: ARG001 — its callback does it all
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Put the settings together for the command that follows."""
    state: State = context.obj
    state.settings = load(Settings(db=db, app=app))
    state.verbosity = verbose


def main() -> None:
    """Run the command line and end the process with its exit code."""
    render.set_up()
    before, command = _split(sys.argv[1:])
    state = State(command, in_json="--json" in before)
    sys.exit(_run(_hoisted(before), state))


def _split(argv: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Cut at the first `--`, which Typer would swallow."""
    if "--" not in argv:
        return list(argv), None
    at = argv.index("--")
    return list(argv[:at]), list(argv[at + 1 :])


def _hoisted(argv: Sequence[str]) -> list[str]:
    """Move the global options before the command."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(argv)
    for word in waiting:
        name, _, value = word.partition("=")
        if name not in GLOBAL:
            rest.append(word)
        elif GLOBAL[name] and not value:
            front += [word, *([found] if (found := next(waiting, None)) is not None else [])]
        else:
            front.append(word)
    return front + rest


def _run(argv: list[str], state: State) -> int:
    try:
        command = typer.main.get_command(app)
        ended: Any = command.main(argv, prog_name="jobrunner", standalone_mode=False, obj=state)
        return ended if isinstance(ended, int) else 0
    except errors.JobrunnerError as error:
        return _tell(error, state)
    except (KeyboardInterrupt, typer.Abort):
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not hasattr(error, "exit_code"):  # else one of Typer's own: wrong usage
            raise
        return _tell_usage(error, state)


def _tell(error: errors.JobrunnerError, state: State) -> int:
    if state.verbosity > 1:
        traceback.print_exception(error)
    code = next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)
    name = type(error).__name__.removesuffix("Error")
    render.error(name, str(error), error.hint, in_json=state.in_json)
    return code


def _tell_usage(error: Any, state: State) -> int:
    context = getattr(error, "ctx", None)
    hint = f"See `{context.command_path} --help`." if context else ""
    render.error("Usage", error.format_message(), hint, in_json=state.in_json)
    return int(error.exit_code)
