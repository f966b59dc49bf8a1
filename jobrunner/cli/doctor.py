"""`jobrunner doctor`: what is wrong with the installation, and what to do about it."""

from typing import TYPE_CHECKING

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.config import DEFAULT_DB
from jobrunner.core.errors import ApplicationError
from jobrunner.core.finding import Finding, Level, ok, problem

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def doctor(
    context: typer.Context,
    *,
    as_json: Json = False,
) -> None:
    """Look for what is wrong, and say what to do.

    At the SQLite library, the disk, the permissions, the database, the workers and the clock;
    with -A also whether the application has the functions that waiting tasks need. Makes and
    changes nothing. Exit code 1 if there is a problem.
    """
    found = _examined(context.obj)
    if as_json:
        render.as_json(
            [
                {"name": one.name, "level": one.level.value, "says": one.says, "hint": one.hint}
                for one in found
            ]
        )
    else:
        render.findings([(one.level.value, one.name, one.says, one.hint) for one in found])
    if any(one.level is Level.PROBLEM for one in found):
        raise typer.Exit(1)


def _examined(state: "State") -> list[Finding]:
    from jobrunner.task_queue import TaskQueue  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    settings = state.settings
    try:
        queue = state.queue
    except ApplicationError as error:
        application = problem("application", str(error), error.hint)
        queue = TaskQueue(settings.db or DEFAULT_DB)
    else:
        said = f"{settings.app} can be imported" if settings.app else "none is named with -A"
        application = ok("application", said)
    try:
        return [application, *queue.examine()]
    finally:
        queue.close()
