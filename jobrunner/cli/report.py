"""`jobrunner report`: what was done, and how well."""

from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.cli.spans import parse_span, span_text
from jobrunner.cli.transitions import show_counts
from jobrunner.core.objects import report_object
from jobrunner.core.outcome import label
from jobrunner.core.report import Report, Spread

if TYPE_CHECKING:
    from jobrunner.cli.state import State


def report(
    context: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option(help="Only attempts of the last 90s, 2h, 7d.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="Only how many tasks stood where, so long ago or at a moment."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add up what was done, and how well.

    Counts, throughput, waits and run times, and for each worker its efficiency: busy seconds /
    (alive seconds x concurrency).
    """
    state: State = context.obj
    if as_of is not None:
        show_counts(state, as_of, as_json=as_json)
        return
    found = state.stored.report(since=parse_span(since) if since is not None else None)
    if as_json:
        render.as_json(report_object(found))
    else:
        show_report(found)


def show_report(found: Report) -> None:
    """Print a report for people."""
    total = sum(found.tasks.values())
    counts = [f"{count} {status.label.lower()}" for status, count in found.tasks.items() if count]
    render.out(f"Tasks     {total}" + (f": {', '.join(counts)}" if counts else ""))
    attempts = [f"{count} {label(name)}" for name, count in found.attempts.items()]
    render.out(
        f"Attempts  {sum(found.attempts.values())}"
        + (f": {', '.join(attempts)}" if attempts else "")
    )
    render.out(
        f"Elapsed   {span_text(found.elapsed_s)}, {found.throughput_per_s:,.1f} completed a second"
    )
    render.out(f"Wait      {_spread(found.wait)}")
    render.out(f"Run       {_spread(found.run)}")
    if found.functions:
        render.out("")
        render.table(
            ("function…", "attempts>", "failed>", "p50>", "p95>", "max>"),
            (
                (one.name, one.count, one.failed, *_cells(one.run))
                for one in sorted(found.functions, key=lambda one: -one.count)
            ),
        )
    if found.workers:
        render.out("")
        render.table(
            (
                "worker",
                "status",
                "slots>",
                "completed>",
                "failed>",
                "lost>",
                "busy>",
                "efficiency>",
            ),
            (
                (
                    one.info.id,
                    one.info.status,
                    one.info.concurrency,
                    one.completed,
                    one.failed,
                    one.lost,
                    span_text(one.busy_s),
                    f"{one.efficiency:.1%}",
                )
                for one in found.workers
            ),
        )


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "nothing has run yet"
    p50, p95, longest = _cells(spread)
    return f"{p50} median, {p95} 95th percentile, {longest} longest"


def _cells(spread: Spread | None) -> tuple[str, str, str]:
    if spread is None:
        return "-", "-", "-"
    return span_text(spread.p50), span_text(spread.p95), span_text(spread.max)
