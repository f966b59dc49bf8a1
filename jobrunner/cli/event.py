"""`jobrunner event …`: send what tasks wait for, and see what they wait for."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.core.control_objects import event_object, wait_object
from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def send(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The event's name, as in context.wait_for.")],
    task: Annotated[
        int | None, typer.Option(help="Only to this task; default: to all, now and later.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="JSON", help="What the task gets; default: null.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send an event; what waits for it starts again."""
    state: State = context.obj
    woken = state.stored.events.send(name, _data(data), task=task)
    if as_json:
        render.as_json({"name": name, "task_id": task, "woken": woken})
    else:
        render.out(f"event {name}: sent, {woken} waiting")


def _data(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"--data {text[:60]} is not JSON: {error}",
            hint="""Quote it for the shell: --data '{"by": "Ada"}'.""",
        ) from error


def list_events(
    context: typer.Context,
    *,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="The tasks that wait for events instead.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the events that were sent, the newest first."""
    state: State = context.obj
    found = _waits(state, limit) if waiting else _sent(state, limit)
    if as_json:
        render.as_json(found)
        return
    last = ("since", "until") if waiting else ("data~", "sent at")
    render.table(
        ("event…", "task>", *last),
        (tuple(map(_shown, one.values())) for one in found),
    )


def _shown(value: Any) -> Any:
    """A cell: JSON as it was sent."""
    if value is None or isinstance(value, str | int):
        return "" if value is None else value
    return json.dumps(value, ensure_ascii=False)


def _sent(state: "State", limit: int) -> list[dict[str, Any]]:
    return [event_object(one) for one in state.stored.events.list(limit=limit)]


def _waits(state: "State", limit: int) -> list[dict[str, Any]]:
    return [wait_object(one) for one in state.stored.events.waits(limit=limit)]
