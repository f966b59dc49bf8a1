"""`jobrunner hook …`: have a URL or a command told how tasks end."""

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import completion, render
from jobrunner.cli.options import Json
from jobrunner.config import variable
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.hook import Hook
from jobrunner.core.objects import moment

if TYPE_CHECKING:
    from jobrunner.cli.state import State

Name = Annotated[str, typer.Argument(help="The hook's name.", show_default=False)]


def add(
    context: typer.Context,
    *,
    name: Name,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- CMD ARG...]", help="A command to run.", show_default=False),
    ] = None,
    on: Annotated[
        str, typer.Option("--on", help="Which ends: completed,failed,cancelled.")
    ] = "failed",
    url: Annotated[str | None, typer.Option(help="Where to POST the event.")] = None,
    queue: Annotated[
        str | None,
        typer.Option("--queue", "-q", autocompletion=completion.queues, help="Only of this queue."),
    ] = None,
    secret_env: Annotated[
        str | None, typer.Option(help="Sign with the secret in this variable, read now.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(help="Sign with this secret; other users may see it here.")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also to this machine and private networks.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Have the ends of tasks told to a URL, or run a command for each.

    jobrunner hook add ops --on failed --url https://example.org/hook --secret-env OPS_SECRET

    jobrunner hook add mail --on failed,cancelled -- ./mail-me

    The command finds the event as JSON in JOBRUNNER_EVENT.
    """
    if secret is not None and secret_env is not None:
        raise ConfigurationError("there are two secrets", hint="Give one of the two options.")
    state: State = context.obj
    hook = state.queue.hooks.add(
        name,
        on=[word.strip() for word in on.split(",")],
        url=url,
        command=command or None,
        queue=queue,
        secret=secret if secret_env is None else variable(secret_env),
        allow_private=allow_private,
    )
    _tell(hook, "added", as_json=as_json)


def list_hooks(context: typer.Context, *, as_json: Json = False) -> None:
    """List the hooks."""
    state: State = context.obj
    hooks = state.stored.hooks.list()
    if as_json:
        render.as_json([_object(hook) for hook in hooks])
        return
    render.table(
        ("hook", "on", "queue…", "tells…", "signed", "paused"),
        (
            (
                hook.name,
                ",".join(hook.events),
                hook.queue,
                hook.url or shlex.join(hook.command or ()),
                "yes" if hook.is_signed else "no",
                (moment(hook.paused_at) or "")[:19],
            )
            for hook in hooks
        ),
    )


def remove(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Delete a hook; what it has still to send to a URL is cancelled."""
    state: State = context.obj
    state.stored.hooks.remove(name)
    render.as_json({"removed": name}) if as_json else render.out(f"hook {name}: removed")


def pause(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Tell it nothing of what ends from now on."""
    state: State = context.obj
    _tell(state.stored.hooks.pause(name), "paused", as_json=as_json)


def resume(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Tell it again of what ends from now on."""
    state: State = context.obj
    _tell(state.stored.hooks.resume(name), "resumed", as_json=as_json)


def try_it(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Have an event sent that says nothing; prints the id of the task that sends it."""
    state: State = context.obj
    task_id = state.stored.hooks.test(name)
    render.as_json({"id": task_id}) if as_json else render.out(task_id)


def _tell(hook: Hook, what: str, *, as_json: bool) -> None:
    render.as_json(_object(hook)) if as_json else render.out(f"hook {hook.name}: {what}")


def _object(hook: Hook) -> dict[str, Any]:
    """A hook, without its secret."""
    return {
        "id": hook.id,
        "name": hook.name,
        "events": list(hook.events),
        "queue": hook.queue,
        "url": hook.url,
        "command": list(hook.command) if hook.command else None,
        "is_signed": hook.is_signed,
        "may_be_private": hook.may_be_private,
        "paused_at": moment(hook.paused_at),
        "created_at": moment(hook.created_at),
    }
