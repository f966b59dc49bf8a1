"""`jobrunner token …`: who may use `jobrunner serve` over HTTP."""

from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.core.objects import moment
from jobrunner.core.role import Role

if TYPE_CHECKING:
    from jobrunner.cli.state import State

Name = Annotated[str, typer.Argument(help="Who or what it is for.", show_default=False)]


def add(
    context: typer.Context,
    *,
    name: Name,
    role: Annotated[
        Role, typer.Option(help="read: look; submit: hand in tasks too; operate: all.")
    ] = Role.READ,
    as_json: Json = False,
) -> None:
    """Make a token, and print it: it is stored nowhere, and shown only now.

    As soon as there is one, every request needs one.
    """
    state: State = context.obj
    secret = state.queue.tokens.add(name, role)
    if as_json:
        render.as_json({"name": name, "role": role.value, "token": secret})
        return
    render.out(secret)
    render.talk(f"Token {name} may {role}. Keep it: it is not shown again.")


def list_tokens(context: typer.Context, *, as_json: Json = False) -> None:
    """List the tokens; their secrets are known to nobody here."""
    state: State = context.obj
    found = state.stored.tokens.list()
    if as_json:
        render.as_json(
            [
                {"name": one.name, "role": one.role.value, "created_at": moment(one.created_at)}
                for one in found
            ]
        )
        return
    render.table(
        ("token…", "role", "made"),
        ((one.name, one.role.value, moment(one.created_at)) for one in found),
    )


def remove(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Make a token worthless, from the next request on."""
    state: State = context.obj
    state.stored.tokens.remove(name)
    render.as_json({name: "removed"}) if as_json else render.out(f"token {name}: removed")
