"""`jobrunner db …`: its schema, whether it is whole, its backups."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def upgrade(
    context: typer.Context,
    *,
    as_json: Json = False,
) -> None:
    """Make the tables, or bring them to the newest version.

    A file of an older version is backed up first, beside itself.
    """
    state: State = context.obj
    before, now, backup = state.queue.upgrade()
    if as_json:
        told = {"before": before, "now": now, "backup": str(backup) if backup else None}
        render.as_json(told)
    elif before == now:
        render.out(f"The database is at version {now} already.")
    else:
        render.out(f"Upgraded from version {before or 'none'} to {now}.")
        if backup:
            render.out(f"The database as it was: {backup}")


def check(
    context: typer.Context,
    *,
    as_json: Json = False,
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


def backup(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Where to; beside the database unless said.", show_default=False),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: Json = False,
) -> None:
    """Copy the database while everything runs on.

    Prints the path of the copy, which is checked first. A file that ends in .partial is one that
    was left unfinished by a kill, and may be deleted.
    """
    from jobrunner.storage import backup as stored  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    state: State = context.obj
    database = state.stored.store.unopened
    target = file or stored.default_target(database, now=state.queue.clock.now())
    with render.pulse("backing up"):
        made = stored.backup(database, target, overwrite=force)
    if as_json:
        render.as_json({"backup": str(made), "bytes": made.stat().st_size})
    else:
        render.out(made)


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The backup.", show_default=False)],
    *,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database.

    Stop the workers before. The old file is kept beside it. What was in progress when the backup
    was made runs again.
    """
    from jobrunner.runtime.restoring import restore as put  # noqa: PLC0415 — as above

    state: State = context.obj
    queue = state.queue
    with render.pulse("restoring"):
        kept, lost = put(queue.store.unopened, file, clock=queue.clock, emit=lambda _event: None)
    if as_json:
        render.as_json({"kept": str(kept) if kept else None, "workers_lost": lost})
        return
    render.out(f"Restored from {file}.")
    if kept:
        render.out(f"The database as it was: {kept}")
    if lost:
        render.out(f"Workers that ran when it was made: {lost}; their tasks run again.")
