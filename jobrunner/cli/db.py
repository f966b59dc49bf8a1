"""`jobrunner db …`: bring the database to the newest schema, and see whether it is whole."""

from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def upgrade(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make the tables, or bring them to the newest version."""
    state: State = context.obj
    before, now = state.queue.upgrade()
    if as_json:
        render.as_json({"before": before, "now": now})
    elif before == now:
        render.out(f"The database is at version {now} already.")
    else:
        render.out(f"Upgraded from version {before or 'none'} to {now}.")


def check(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look for damage.

    Also for anything that must never be, such as a running task without a worker. Exit code 1
    if anything is found.
    """
    state: State = context.obj
    problems = state.stored.check()
    if as_json:
        render.as_json({"ok": not problems, "problems": problems})
    elif problems:
        for problem in problems:
            render.out(problem)
    else:
        render.out("The database is sound.")
    if problems:
        raise typer.Exit(1)
