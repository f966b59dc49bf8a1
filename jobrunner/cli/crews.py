"""`jobrunner worker …`: look at workers and crews, and say things to them."""

from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.options import AtMost, Json
from jobrunner.cli.spans import parse_seconds
from jobrunner.cli.status import print_workers
from jobrunner.core.control_objects import crew_object, told_object
from jobrunner.core.crew import Told
from jobrunner.core.objects import moment, worker_object
from jobrunner.runtime.noted import noted

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.crews import Crews

Who = Annotated[
    str | None,
    typer.Argument(
        metavar="ID_OR_CREW", help="A worker's id or its beginning, or the name of a crew."
    ),
]
All = Annotated[bool, typer.Option("--all", help="All workers and crews.")]
OfCrew = Annotated[
    bool, typer.Option("--crew", help="It is a crew, be it of workers that are to come.")
]


def list_workers(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: Json = False,
) -> None:
    """List the workers that run."""
    state: State = context.obj
    found = [one for one in state.stored.workers() if every or one.stopped_at is None]
    if as_json:
        render.as_json([worker_object(worker) for worker in found])
        return
    running = state.stored.crews.running()
    print_workers(found, state.stored.clock.now(), none="No worker is running.", running=running)


def pause(
    context: typer.Context,
    *,
    who: Who = None,
    every: All = False,
    crew: OfCrew = False,
    as_json: Json = False,
) -> None:
    """Claim nothing more; what runs is ended. A crew stays paused over restarts."""
    _show(_crews(context).pause(who, crew=crew, every=every), "paused", as_json=as_json)


def resume(
    context: typer.Context,
    *,
    who: Who = None,
    every: All = False,
    crew: OfCrew = False,
    as_json: Json = False,
) -> None:
    """Claim again."""
    _show(_crews(context).resume(who, crew=crew, every=every), "resumed", as_json=as_json)


def drain(
    context: typer.Context,
    *,
    who: Who = None,
    every: All = False,
    crew: OfCrew = False,
    timeout: AtMost = None,
    as_json: Json = False,
) -> None:
    """Pause, and wait until nothing is running there.

    Exit code 7 if that took too long; they stay paused.
    """
    seconds = parse_seconds(timeout)
    with noted() as received, render.bar("Draining") as bar:
        most = 0

        def look(held: int) -> None:
            nonlocal most
            if received:
                raise typer.Exit(128 + received[0])
            most = max(most, held)
            bar(most - held, most)

        told = _crews(context).drain(who, timeout=seconds, on_open=look, crew=crew, every=every)
    _show(told, "drained", as_json=as_json)


def stop(
    context: typer.Context,
    *,
    who: Who = None,
    every: All = False,
    crew: OfCrew = False,
    as_json: Json = False,
) -> None:
    """End in order, as on SIGTERM. Workers that start later are not meant."""
    _show(_crews(context).stop(who, crew=crew, every=every), "asked to stop", as_json=as_json)


def resize(
    context: typer.Context,
    *,
    who: Who = None,
    concurrency: Annotated[
        str | None,
        typer.Argument(metavar="[N]", help="Tasks at a time; if left out, as it was started."),
    ] = None,
    every: All = False,
    crew: OfCrew = False,
    as_json: Json = False,
) -> None:
    """Run so many tasks at a time from now on; what runs is ended first.

    A crew keeps its size over restarts.
    """
    if every and concurrency is None:  # `resize --all 4`
        who, concurrency = None, who
    number = None if concurrency is None else _number(concurrency)
    told = _crews(context).resize(who, number, crew=crew, every=every)
    size = "as it was started" if number is None else f"{number} at a time"
    _show(told, size, as_json=as_json)


def list_crews(context: typer.Context, *, as_json: Json = False) -> None:
    """List the crews that are paused or resized, be it for workers that are to come."""
    found = _crews(context).list()
    if as_json:
        render.as_json([crew_object(crew) for crew in found])
        return
    if not found:
        render.talk("No crew is paused or resized.")
        return
    render.table(
        ("crew", "slots>", "paused"),
        ((crew.name, crew.concurrency, moment(crew.paused_at)) for crew in found),
    )


def _number(word: str) -> int:
    if not word.isdecimal():
        raise typer.BadParameter(f"{word!r} is no number of tasks.")
    return int(word)


def _crews(context: typer.Context) -> "Crews":
    state: State = context.obj
    return state.stored.crews


def _show(told: Told, said: str, *, as_json: bool) -> None:
    if as_json:
        render.as_json(told_object(told))
        return
    for crew in told.crews:
        render.out(f"crew {crew.name}: {said}")
    for worker in told.workers:
        render.out(f"worker {worker.id}: {said}")
    if not told.workers:
        render.talk("No worker that runs now was meant.")
