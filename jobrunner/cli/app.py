"""The command `jobrunner`: its options, its commands, and how it ends."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from jobrunner import __version__
from jobrunner.cli import endings, render
from jobrunner.cli.endings import Ending
from jobrunner.cli.state import State
from jobrunner.cli.tree import Group
from jobrunner.cli.words import arranged
from jobrunner.config import Settings, is_completing, must_exist
from jobrunner.core.errors import DatabaseError
from jobrunner.runtime import collector

app = typer.Typer(
    name="jobrunner",
    cls=Group,
    help="Tasks in one SQLite file, run by any number of workers; none is lost.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="Tell more; -vv: tracebacks."
        ),
    ] = 0,
    version: Annotated[  # noqa: ARG001 — its callback does it all
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Note the options that hold for all commands; they may also stand behind the command."""
    state: State = context.obj
    state.flags = Settings(db=db, app=app)
    state.ending.verbosity = verbose
    if context.invoked_subcommand is None:
        _without_command(context)


def _without_command(context: typer.Context) -> None:
    """The status where there is a database and somebody looks; else the help."""
    if render.is_terminal():
        with contextlib.suppress(DatabaseError):
            must_exist(context.obj.settings)
            from jobrunner.cli.status import status  # noqa: PLC0415 — most commands do without

            return status(context)
    raise typer.Exit(endings.tell_help(context.get_help()))


def main() -> None:
    """Run the command line and end the process with its exit code."""
    render.set_up()
    collector.rarely()
    if is_completing():  # somebody waits at a key
        sys.modules["rich"] = None  # type: ignore[assignment] # Typer then does without: 60 ms
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run one command; whatever happens is told, and decides the exit code."""
    argv, command = arranged(words)
    state = State(command, Ending(in_json="--json" in argv))
    try:
        tree = typer.main.get_command(app)
        ended: Any = tree.main(argv, prog_name="jobrunner", standalone_mode=False, obj=state)
        render.flush()  # here, where a closed pipe is told from a failure
    except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 — told
        return state.ending.of(error)
    return ended if isinstance(ended, int) else 0
