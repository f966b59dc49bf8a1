"""`jobrunner simulate`: when all that is open will have ended, with so many workers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.cli.spans import span_text
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.estimate_objects import forecast_object

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.estimate import Estimate
    from jobrunner.core.forecast import Forecast

UNLESS_SAID: Final = (1, 2, 4, 8)
"""Numbers of workers to compare where none is running."""

MOST: Final = 20
"""Numbers of one call."""


def simulate(
    context: typer.Context,
    *,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N[,N…]", help="Tasks that run at a time; default: as many as do now."
        ),
    ] = None,
    task: Annotated[
        int | None, typer.Option(help="Only what hangs together with this task.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Only this batch.")] = None,
    as_json: Json = False,
) -> None:
    """Tell when all that is open will have ended, with so many workers.

    By recorded run times: what is open is run through many times over, as workers would claim it.
    Of a function or command with fewer than five completed runs nothing is said.
    """
    state: State = context.obj
    numbers = None if workers is None else _numbers(workers)
    estimates = state.stored.estimates
    found = estimates.ends(numbers, task_id=task, batch_id=batch)
    if numbers is None and not found[0].workers:
        found = estimates.ends(UNLESS_SAID, task_id=task, batch_id=batch)
    if as_json:
        render.as_json([forecast_object(one) for one in found])
    else:
        _show(found)


def _numbers(text: str) -> list[int]:
    """Read `1,2,4`.

    Raises:
        ConfigurationError: it is nothing of the kind.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and len(word) < MOST for word in words):
        hint = "Write a number of tasks that run at a time, or several: 1,2,4,8."
        raise ConfigurationError(f"--workers: {text!r} is no number of workers", hint=hint)
    if len(words) > MOST:
        raise ConfigurationError(f"--workers: {len(words)} numbers are more than {MOST}")
    return [int(word) for word in words]


def _show(found: "Sequence[Forecast]") -> None:
    first = found[0]
    held = f", {first.held:,} of them wait for a paused queue" if first.held else ""
    others = f", and {first.others:,} others beside" if first.others else ""
    more = "; of very many the first were looked at" if first.is_cut else ""
    render.out(f"Open   {first.tasks:,} task{'' if first.tasks == 1 else 's'}{held}{others}{more}")
    if first.path_s is not None and first.busy_s is not None:
        number = len(first.path)
        render.out(f"Work   {span_text(first.busy_s)} of runs")
        render.out(
            f"Path   {span_text(first.path_s)}, the longest chain: "
            f"{number:,} task{'' if number == 1 else 's'} one after the other"
        )
    known = next((one.left for one in found if one.left.is_known), first.left)
    render.out(f"Basis  {known.basis}")
    for name, number in sorted(first.unknown.items()):
        render.out(f"       {name}: {number} runs")
    render.out("")
    render.table(("workers>", "ends in>", "from>", "to>", "busy>"), map(_row, found))


def _row(one: "Forecast") -> tuple[int, str, str, str, str]:
    left, busy = one.left, one.busy_share
    times = (left.likely_s, left.low_s, left.high_s)
    likely, low, high = ("unknown" if left.likely_s is None else span_text(at) for at in times)
    return one.workers, likely, low, high, "-" if busy is None else f"{busy:.0%}"


def left_text(found: "Estimate") -> str:
    """The likely time in a column."""
    return "unknown" if found.likely_s is None else span_text(found.likely_s)
