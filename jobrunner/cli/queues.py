"""`jobrunner queue …` and `jobrunner key …`: what is set for many tasks at once."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobrunner.cli import completion, render
from jobrunner.cli.amounts import parse_rate, rate_text
from jobrunner.cli.options import AtMost, Json
from jobrunner.cli.spans import parse_seconds
from jobrunner.core.control_objects import key_object, queue_object
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.limits import Limits
from jobrunner.core.objects import counts_text, limits_object, moment
from jobrunner.core.status import Status

if TYPE_CHECKING:
    from jobrunner.cli.state import State

Queue = Annotated[str, typer.Argument(help="The queue's name.", autocompletion=completion.queues)]
Key = Annotated[str, typer.Argument(help="The key, or what stands before the : of many.")]
Concurrency = Annotated[
    int | None, typer.Option(help="At most so many at a time, over all workers.")
]
NoConcurrency = Annotated[bool, typer.Option("--no-concurrency", help="Any number at a time.")]
RateOption = Annotated[
    str | None, typer.Option(help="At most so many starts in any period: 10/1m.")
]
NoRate = Annotated[bool, typer.Option("--no-rate", help="Any number of starts.")]


def list_queues(context: typer.Context, *, as_json: Json = False) -> None:
    """List queues: their tasks by status, whether they are paused, their limits."""
    state: State = context.obj
    found = state.stored.queues.list()
    if as_json:
        render.as_json([queue_object(one) for one in found])
        return
    if render.is_terminal():  # a column for each status would leave the names no room
        render.table(
            ("queue…", "tasks~", "limits~", "paused since"),
            (
                (one.name, counts_text(one.tasks), _limits_text(one.limits), _second(one.paused_at))
                for one in found
            ),
        )
        return
    render.table(
        ("queue…", *(f"{status.value}>" for status in Status), "limits", "paused since"),
        (
            (one.name, *one.tasks.values(), _limits_text(one.limits), moment(one.paused_at))
            for one in found
        ),
    )


def _second(at: datetime | None) -> str:
    return (moment(at) or "")[:19]


def _limits_text(limits: Limits) -> str:
    parts = ("" if limits.concurrency is None else f"{limits.concurrency} at a time",)
    return ", ".join(filter(None, (*parts, rate_text(limits.rate))))


def pause(context: typer.Context, *, name: Queue, as_json: Json = False) -> None:
    """Start no more tasks of a queue; what runs goes on. It lasts over restarts."""
    state: State = context.obj
    new = state.queue.queues.pause(name)
    _tell(name, "paused" if new else "was paused already", as_json=as_json)


def resume(context: typer.Context, *, name: Queue, as_json: Json = False) -> None:
    """Go on with a queue."""
    state: State = context.obj
    new = state.queue.queues.resume(name)
    _tell(name, "resumed" if new else "was not paused", as_json=as_json)


def drain(
    context: typer.Context,
    *,
    name: Queue,
    timeout: AtMost = None,
    as_json: Json = False,
) -> None:
    """Pause a queue and wait until nothing of it runs.

    Exit code 7 if it took too long; the queue stays paused.
    """
    state: State = context.obj
    seconds = parse_seconds(timeout)
    state.queue.queues.drain(name, timeout=seconds)
    _tell(name, "drained", as_json=as_json)


def _tell(name: str, said: str, *, as_json: bool) -> None:
    render.as_json({name: said}) if as_json else render.out(f"queue {name}: {said}")


def limit_queue(
    context: typer.Context,
    *,
    name: Queue,
    concurrency: Concurrency = None,
    no_concurrency: NoConcurrency = False,
    rate: RateOption = None,
    no_rate: NoRate = False,
    as_json: Json = False,
) -> None:
    """Set the limits of a queue; what is not said stays as it is."""
    state: State = context.obj
    change = _change(concurrency, rate, no_concurrency=no_concurrency, no_rate=no_rate)
    _tell_limits("queue", name, state.queue.queues.limit(name, **change), as_json=as_json)


def limit_key(
    context: typer.Context,
    *,
    name: Key,
    concurrency: Concurrency = None,
    no_concurrency: NoConcurrency = False,
    rate: RateOption = None,
    no_rate: NoRate = False,
    as_json: Json = False,
) -> None:
    """Set the limits of a concurrency key, and of each key NAME:… apart.

    What is not said stays as it is; at first that is one at a time, at any rate.
    """
    state: State = context.obj
    change = _change(concurrency, rate, no_concurrency=no_concurrency, no_rate=no_rate)
    _tell_limits("key", name, state.queue.keys.limit(name, **change), as_json=as_json)


def _change(
    concurrency: int | None, rate: str | None, *, no_concurrency: bool, no_rate: bool
) -> Any:
    if (concurrency is not None and no_concurrency) or (rate is not None and no_rate):
        raise ConfigurationError("a limit cannot be both set and lifted", hint="Give one of both.")
    change: dict[str, Any] = {}
    if concurrency is not None or no_concurrency:
        change["concurrency"] = concurrency
    if rate is not None or no_rate:
        change["rate"] = parse_rate(rate) if rate is not None else None
    if not change:
        hint = "Give --concurrency or --rate, or --no-concurrency or --no-rate to lift one."
        raise ConfigurationError("there is no limit to set", hint=hint)
    return change


def _tell_limits(kind: str, name: str, limits: Limits, *, as_json: bool) -> None:
    if as_json:
        render.as_json({"name": name} | limits_object(limits))
    else:
        render.out(f"{kind} {name}: {_limits_text(limits) or 'no limit'}")


def list_keys(context: typer.Context, *, as_json: Json = False) -> None:
    """List the concurrency keys that have limits, or tasks that run or wait."""
    state: State = context.obj
    found = state.stored.keys.list()
    if as_json:
        render.as_json([key_object(one) for one in found])
        return
    render.table(
        ("key…", "running>", "waiting>", "limits"),
        ((one.name, one.running, one.waiting, _limits_text(one.limits)) for one in found),
    )
