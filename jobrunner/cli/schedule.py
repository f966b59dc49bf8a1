"""`jobrunner schedule …`: tasks that are stored again and again, by a rule."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import completion, render
from jobrunner.cli.arguments import named_arguments
from jobrunner.cli.options import Json
from jobrunner.cli.spans import parse_moment, parse_span
from jobrunner.cli.ticks import print_schedule, print_schedules
from jobrunner.core.control_objects import schedule_object
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.policy import DEFAULT_CAP, Missed, Overlap

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.new_task import NewTask

Name = Annotated[str, typer.Argument(help="The schedule's name.")]


def add(
    context: typer.Context,
    *,
    name: Name,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RULE] [FUNCTION] [K=V | K:=JSON]...",
            help='"0 2 * * *", @daily; then the function, or a command after --.',
        ),
    ] = None,
    every: Annotated[
        str | None, typer.Option(help="In place of a rule, the time between: 90s, 5m, 1h30m.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(help="Count --every from this moment; default: now.")
    ] = None,
    tz: Annotated[str, typer.Option(help="Whose clock the rule goes by: Europe/Paris.")] = "UTC",
    missed: Annotated[
        Missed, typer.Option(help="Ticks that nobody was there to fire: none, one, or all of them.")
    ] = Missed.ONE,
    missed_cap: Annotated[int, typer.Option(help="With --missed all, at most so many.")] = (
        DEFAULT_CAP
    ),
    overlap: Annotated[
        Overlap, typer.Option(help="While the task before has not ended: both, none, or after it.")
    ] = Overlap.SKIP,
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", autocompletion=completion.queues, help="Queue.")
    ] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", "-p", help="Higher runs first; default 0.")
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="Stop an attempt after so long.")] = None,
    max_attempts: Annotated[
        int | None, typer.Option(help="Attempts before a task fails; default 5.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What people see.")] = None,
    cwd: Annotated[
        Path | None, typer.Option(help="The command's folder; default: the worker's.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Store a task at each tick of a rule, or change the schedule of that name.

    jobrunner schedule add nightly "0 2 * * *" --tz Europe/Paris report day=yesterday

    jobrunner schedule add backup @daily -- rsync -a data/ /mnt/backup/

    jobrunner schedule add poll --every 5m poll
    """
    state: State = context.obj
    given = {
        "queue": queue,
        "priority": priority,
        "timeout": parse_span(timeout) if timeout is not None else None,
        "max_attempts": max_attempts,
        "description": description,
        "cwd": str(cwd.absolute()) if cwd is not None else None,
    }
    left = list(words or ())
    rule: Any = parse_span(every) if every is not None else (left.pop(0) if left else "")
    task = _task(state, left, {key: value for key, value in given.items() if value is not None})
    found = state.queue.schedules.add(
        name,
        rule,
        task,
        tz=tz,
        missed=missed,
        missed_cap=missed_cap,
        overlap=overlap,
        anchor=parse_moment(anchor) if anchor is not None else None,
    )
    print_schedule(found, (), as_json=as_json)


def _task(state: "State", words: list[str], fields: dict[str, Any]) -> "NewTask[Any]":
    from jobrunner.core.new_task import NewTask  # noqa: PLC0415 — `--help` must be quick

    if bool(words) == bool(state.command):
        raise ConfigurationError(
            "give a rule, and one of: a function, or a command after --",
            hint='Quote the rule: jobrunner schedule add nightly "0 2 * * *" report',
        )
    if state.command:
        return NewTask(command=state.command, **fields)
    return state.queue.new_task(words[0], kwargs=named_arguments(words[1:]), **fields)


def list_schedules(context: typer.Context, *, as_json: Json = False) -> None:
    """List schedules, with when each is due next."""
    state: State = context.obj
    print_schedules(state.stored.schedules.list(), as_json=as_json)


def show(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Show a schedule: its rule in words, its next five ticks and its last ones."""
    state: State = context.obj
    found = state.stored.schedules.get(name)
    print_schedule(found, state.stored.schedules.ticks(name), as_json=as_json)


def pause(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Fire no tick until it is resumed."""
    state: State = context.obj
    _tell(state.stored.schedules.pause(name), "paused", as_json=as_json)


def resume(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Fire again from now on; what was due meanwhile is not made up."""
    state: State = context.obj
    _tell(state.stored.schedules.resume(name), "resumed", as_json=as_json)


def _tell(found: Any, done: str, *, as_json: bool) -> None:
    if as_json:
        render.as_json(schedule_object(found))
    else:
        render.out(f"schedule {found.name}: {done}")


def run(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Store its task once, now; prints the task's id."""
    state: State = context.obj
    task = state.stored.schedules.run(name)
    render.as_json({"id": task.id}) if as_json else render.out(task.id)


def remove(context: typer.Context, *, name: Name, as_json: Json = False) -> None:
    """Forget a schedule; tasks that it has stored stay."""
    state: State = context.obj
    state.stored.schedules.remove(name)
    render.as_json({name: "removed"}) if as_json else render.out(f"schedule {name}: removed")
