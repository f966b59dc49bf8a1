"""`jobrunner report`: what was done, and how well."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.cli.report_file import STDOUT, judge, write_page
from jobrunner.cli.report_text import show_report
from jobrunner.cli.spans import parse_span
from jobrunner.cli.transitions import show_counts
from jobrunner.core.condition import Condition
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.objects import report_object
from jobrunner.core.report import By, Report

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
    by: Annotated[By | None, typer.Option(help="Put attempts together by this.")] = None,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write it as one HTML page; - for stdout.")
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="Exit code 1 if it is so: 'failed>0'; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add up what was done, and how well.

    Counts, throughput, waits and run times, what was wasted, and for each worker its efficiency:
    busy seconds / (alive seconds x concurrency).
    """
    state: State = context.obj
    if as_of is not None:
        show_counts(state, as_of, as_json=as_json)
        return
    conditions = [Condition.parse(text) for text in fail_if or ()]
    span = parse_span(since) if since is not None else None
    if html == STDOUT and as_json:
        raise ConfigurationError(
            "--html - and --json both print to stdout", hint="Give --html a file."
        )
    if html is None:
        found = state.stored.report(since=span, by=by)
    else:
        found = _write(state, html, since=span, by=by)
    if as_json:
        render.as_json(report_object(found))
    elif html is None:
        show_report(found)
    judge(found, conditions)


def _write(state: "State", place: str, *, since: timedelta | None, by: By | None) -> Report:
    """Write the page; returns the report that it is of."""
    from jobrunner.report_page.page import as_html  # noqa: PLC0415 — only a page pays for it

    detail = state.stored.report_detail(since=since, by=by)
    write_page(as_html(detail), place, database=state.stored.store.database.path)
    return detail.report
