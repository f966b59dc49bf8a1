"""`jobrunner task update`: change what a waiting task is to do, when, and how."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import completion, render
from jobrunner.cli.arguments import named_arguments
from jobrunner.cli.options import Id, Json
from jobrunner.cli.spans import parse_expiry, parse_moment, parse_span
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.objects import task_object

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.task import Task

NONE: Final = "none"
"""What takes a timeout or an expiry away."""


def update(
    context: typer.Context,
    *,
    task_id: Id,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[K=V | K:=JSON]...", help="Arguments to change; others stay."),
    ] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", "-p", help="Higher runs first.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What people see.")] = None,
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", autocompletion=completion.queues, help="Queue.")
    ] = None,
    delay: Annotated[str | None, typer.Option(help="Not before so long from now; 0: now.")] = None,
    at: Annotated[str | None, typer.Option(help="Not before this moment, ISO 8601.")] = None,
    timeout: Annotated[
        str | None, typer.Option(help="Stop an attempt after so long; or none.")
    ] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Attempts before it fails.")] = None,
    expires: Annotated[
        str | None, typer.Option(help="Not started after so long, or a moment; or none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a task that has not started. What a command runs stands behind --.

    jobrunner task update 7 width:=800 --at 2026-12-01T09:00

    jobrunner task update 8 -- ffmpeg -i a.mp4 b.mkv
    """
    state: State = context.obj
    given = {
        "priority": priority,
        "description": description,
        "queue": queue,
        "delay": parse_span(delay) if delay is not None else None,
        "run_at": parse_moment(at) if at is not None else None,
        "max_attempts": max_attempts,
        "command": state.command,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if timeout is not None:
        changes["timeout"] = None if timeout == NONE else parse_span(timeout)
    if expires == NONE:
        changes["expires_at"] = None
    elif expires is not None:
        changes |= parse_expiry(expires)
    if not changes and not arguments:
        raise ConfigurationError(
            "there is nothing to change", hint="Give an option such as --priority, or K=V."
        )
    task = _changed(state, task_id, arguments or (), changes)
    if as_json:
        render.as_json(task_object(task))
    else:
        render.out(f"task {task_id}: changed")


def _changed(
    state: "State", task_id: int, arguments: Sequence[str], changes: dict[str, Any]
) -> "Task[Any]":
    if not arguments:
        return state.stored.update(task_id, **changes)
    named = named_arguments(arguments)
    with state.stored.transaction():
        known = state.stored.update(task_id)  # nobody else changes it meanwhile
        return state.stored.update(task_id, kwargs={**known.kwargs, **named}, **changes)
