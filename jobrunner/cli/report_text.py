"""The report for people: what was done, by function or as asked, and by worker."""

from collections.abc import Sequence

from jobrunner.cli import render
from jobrunner.cli.spans import span_text
from jobrunner.core.outcome import label
from jobrunner.core.report import GroupReport, Report, Spread


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
    if found.busy_s:
        wasted = [f"{span_text(spent)} {label(name)}" for name, spent in found.wasted.items()]
        vain = span_text(found.wasted_s) if found.wasted_s else "none"
        render.out(
            f"Busy      {span_text(found.busy_s)}, {vain} of it wasted"
            + (f": {', '.join(wasted)}" if wasted else "")
        )
    if found.by is None:
        _groups("function", sorted(found.functions, key=lambda one: -one.count))
    else:
        _groups(found.by, found.groups)
    if found.workers and found.by is None:
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


def _groups(what: str, groups: Sequence[GroupReport]) -> None:
    if not groups:
        return
    render.out("")
    render.table(
        (f"{what}…", "attempts>", "failed>", "wasted>", "p50>", "p95>", "p99>", "max>"),
        (
            (one.name, one.count, one.failed, span_text(one.wasted_s), *_cells(one.run))
            for one in groups
        ),
    )


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "nothing has run yet"
    p50, p95, _, longest = _cells(spread)
    return f"{p50} median, {p95} 95th percentile, {longest} longest"


def _cells(spread: Spread | None) -> tuple[str, str, str, str]:
    if spread is None:
        return "-", "-", "-", "-"
    return (
        span_text(spread.p50),
        span_text(spread.p95),
        span_text(spread.p99),
        span_text(spread.max),
    )
