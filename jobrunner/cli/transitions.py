"""`jobrunner task history`, `jobrunner events`: what tasks went through; how they once stood."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.cli.spans import parse_past
from jobrunner.core.objects import moment
from jobrunner.core.transition import (
    CANCEL_REQUESTED,
    DELETED,
    EXPIRED,
    STARTED,
    happening_object,
    transition_object,
)
from jobrunner.runtime.noted import noted

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.transition import Happening, Transition

SECONDS: Final = 19
"""Characters of a moment up to its seconds."""

NAME: Final = 18
"""Characters of a name that leave room for a reason."""


def history(
    context: typer.Context,
    *,
    task_id: Annotated[int, typer.Argument(help="The task's id.")],
    as_json: Json = False,
) -> None:
    """Tell all that a task went through, one change of its status after the other.

    Of one that was deleted, only that is known, for 90 days.
    """
    state: State = context.obj
    found = state.stored.transitions(task_id)
    if as_json:
        render.as_json([transition_object(one) for one in found])
        return
    render.table(
        ("at", "what", "status", "attempt>", "worker…", "detail~"),
        (
            (_at(one), _what(one), _status(one), one.attempt, one.worker_id, one.detail)
            for one in found
        ),
    )


def events(
    context: typer.Context,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(help="From so long ago or that moment on. Default: 1h; with -f, now."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="At most so many that have been: the newest.")
    ] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")] = False,
) -> None:
    """Tell what happens to tasks: each change of a status, a line each.

    With -f it goes on until it is stopped.
    """
    state: State = context.obj
    queue = state.stored
    now = queue.clock.now()
    tell = _tell_json if as_json else _tell
    if not follow:
        tell(queue.happenings(since=parse_past(since or "1h", now), limit=limit))
        return
    first = None if since is None else parse_past(since, now)
    with noted() as received:
        following = queue.follow_happenings(
            since=first, limit=limit, stopped=lambda: bool(received)
        )
        _tell_at_once(following, tell)
    raise typer.Exit(128 + received[0])


def _tell_at_once(
    found: "Iterable[Happening]", tell: "Callable[[Iterable[Happening]], None]"
) -> None:
    for one in found:
        tell([one])
        render.flush()


def _tell_json(found: "Iterable[Happening]") -> None:
    for one in found:
        render.json_line(happening_object(one))


def _tell(found: "Iterable[Happening]") -> None:
    for happening in found:
        one = happening.transition
        render.row(
            (
                *(_at(one), one.task_id, _what(one), _status(one), happening.name),
                *(one.attempt, one.worker_id, one.detail),
            ),
            drawn=_drawn(happening),
        )


def _drawn(happening: "Happening") -> str:
    """A line for 80 columns: of the status no word more than it takes, of the name not too much."""
    one, name = happening.transition, happening.name
    what, status = _what(one), _status(one)
    if one.what not in {one.status, STARTED, CANCEL_REQUESTED, DELETED, EXPIRED}:
        what = f"{what}, {status.replace('_', ' ')}"
    if one.detail:
        short = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
        name = f"{short}: {one.detail}"
    day, _, time = _at(one).partition("T")
    return f"{day[5:]} {time}  {one.task_id:>5}  {what:20}  {name}"


def _at(one: "Transition") -> str:
    told = moment(one.at) or ""
    return told[:SECONDS] if render.is_terminal() else told


def _what(one: "Transition") -> str:
    return one.what.replace("_", " ")


def _status(one: "Transition") -> str:
    return "gone" if one.status is None else one.status.value


def show_counts(state: "State", text: str, *, as_json: bool) -> None:
    """How many tasks stood where, so long ago or at a moment.

    Raises:
        ConfigurationError: the text is neither.
    """
    queue = state.stored
    then = parse_past(text, queue.clock.now())
    counts = queue.counts_at(then)
    total = sum(counts.values())
    if as_json:
        told = {status.value: number for status, number in counts.items()}
        render.as_json({"as_of": moment(then), "tasks": told | {"total": total}})
        return
    parts = [f"{number} {status.label.lower()}" for status, number in counts.items() if number]
    render.out(f"As of     {moment(then)}")
    render.out(f"Tasks     {total}" + (f": {', '.join(parts)}" if parts else ""))
