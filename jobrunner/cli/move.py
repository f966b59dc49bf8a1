"""`jobrunner db move`: the whole queue into another database, and back."""

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def move(
    context: typer.Context,
    *,
    to: Annotated[
        str | None,
        typer.Option(help="Where to: a path or a URL, empty or not there yet.", show_default=False),
    ] = None,
    drain: Annotated[
        bool, typer.Option("--drain", help="Let no task begin, and wait until none runs.")
    ] = False,
    reopen: Annotated[
        bool,
        typer.Option("--reopen", help="Go on here after all; only if the other place is unused."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Move everything to another database, such as PostgreSQL.

    Prints each table with its rows and their checksum, which were the same on both sides. From
    then on the old place is closed and names the new one; moving back opens it again. If it is
    killed, run it again.
    """
    state: State = context.obj
    if (to is None) is not reopen:
        raise ConfigurationError(
            "it takes either --to or --reopen", hint="Name the new place with --to."
        )
    if to is None:
        _reopen(state, as_json=as_json)
    else:
        _move(state, to, drain=drain, as_json=as_json)


def _move(state: "State", to: str, *, drain: bool, as_json: bool) -> None:
    from jobrunner.runtime.moving import Mover  # noqa: PLC0415 — `--help` needs no SQLAlchemy
    from jobrunner.storage.engine import Database  # noqa: PLC0415

    queue = state.stored
    source, target = queue.store.unopened, Database(to)
    mover = Mover(source, target, clock=queue.clock)
    with contextlib.ExitStack() as stack:
        for opened in (source, target):
            stack.callback(opened.close)
        with render.pulse("waiting for what runs"):
            stack.enter_context(mover.closed(drain=drain))
        total = mover.rows()
        with render.bar("moving", total) as show:
            tables = mover.transfer(lambda done: show(done, total))
    if as_json:
        told = {"from": source.name, "to": target.name}
        render.as_json(told | {"tables": [table._asdict() for table in tables]})
        return
    if tables:
        render.table(("table", "rows>", "checksum"), tables)
    else:
        render.talk("An earlier run had copied everything.")
    render.talk(f"Moved to {target.name}: use it with --db from now on.")


def _reopen(state: "State", *, as_json: bool) -> None:
    from jobrunner.runtime.moving import reopen  # noqa: PLC0415 — as above

    source = state.stored.store.unopened
    place = reopen(source)
    if as_json:
        render.as_json({"reopened": place is not None, "moved_to": place})
    elif place is None:
        render.out(f"{source.name} was not moved; it is open.")
    else:
        render.out(f"{source.name} is open again; do not use {place}.")
