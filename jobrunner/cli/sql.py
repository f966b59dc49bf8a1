"""`jobrunner sql`: a query of one's own over stable views, which can change nothing."""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Json
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.objects import moment
from jobrunner.core.query import Found

if TYPE_CHECKING:
    from jobrunner.cli.state import State

ON_A_SCREEN: Final = 1_000
"""Rows that a terminal is shown at most: a table is drawn when all of it is there."""


def sql(
    context: typer.Context,
    query: Annotated[
        str | None,
        typer.Argument(help="A SELECT; - reads it from stdin.", show_default=False),
    ] = None,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Json = False,
) -> None:
    """Ask a question in SQL. Nothing can be changed by it.

    Without a query: the views there are, and their columns; see docs/sql.md.
    """
    from jobrunner.storage.query import queried  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    if as_csv and as_json:
        raise ConfigurationError("--csv and --json are two forms", hint="Leave one of them out.")
    if query is None:
        _show_views(as_json=as_json)
        return
    state: State = context.obj
    words = sys.stdin.read() if query == "-" else query
    with queried(state.stored.store.unopened, words) as found:
        if as_json:
            render.as_json([_as_object(found.columns, row) for row in found.rows])
        elif as_csv:
            render.as_csv(found.columns, (map(_cell, row) for row in found.rows))
        else:
            _print(found)


def _show_views(*, as_json: bool) -> None:
    from jobrunner.storage.views import VIEWS  # noqa: PLC0415 — as above

    if as_json:
        render.as_json({view.name: list(view.columns) for view in VIEWS})
        return
    rows = ((view.name, view.says, ", ".join(view.columns)) for view in VIEWS)
    render.table(("view", "shows~", "columns~"), rows)


def _print(found: Found) -> None:
    """A table on a terminal, cut at its end; in a pipe all rows, as they come."""
    rows: Iterator[Sequence[Any]] = ([_cell(value) for value in row] for row in found.rows)
    if not render.is_terminal():
        render.stream(found.columns, rows)
        return
    shown = list(islice(rows, ON_A_SCREEN))
    render.table([f"{name}~" for name in found.columns], shown)
    if next(rows, None) is not None:
        render.talk(f"There are more rows than {ON_A_SCREEN:,}: use LIMIT, --csv or a pipe.")


def _as_object(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(columns, map(_plain, row), strict=True))


def _plain(value: Any) -> Any:  # noqa: PLR0911 — one match, a line for each kind
    """A value of a database as JSON holds it."""
    given = value  # which the type checkers do not narrow
    match value:
        case None | bool() | int() | float() | str() | list() | dict():
            return given
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() if value.tzinfo is not None:
            return moment(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes() | memoryview():
            return bytes(given).hex()
        case _:
            return str(value)


def _cell(value: Any) -> str | int | float | None:
    plain: Any = _plain(value)
    is_one = plain is None or isinstance(plain, str | int | float)
    return plain if is_one else json.dumps(plain, ensure_ascii=False)
