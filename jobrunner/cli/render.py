"""The only place that prints: tables on a terminal, plain lines in a pipe, JSON on request."""

import contextlib
import json
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from jobrunner.core.visible import visible

Cell = str | int | float | None


def set_up() -> None:
    """Write UTF-8 whatever the locale, and never fail on a character."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def out(text: object) -> None:
    """A line of data."""
    print(visible(str(text), keep="\n\t"))


def talk(text: str) -> None:
    """A line for the person at the terminal."""
    print(visible(text, keep="\n\t"), file=sys.stderr)


def as_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def error(code: str, message: str, hint: str, *, in_json: bool) -> None:
    """One sentence and a next step."""
    if in_json:
        told = {"error": {"code": code, "message": message, "hint": hint}}
        print(json.dumps(told, ensure_ascii=False), file=sys.stderr)
    else:
        talk(f"jobrunner: {message}" + ("" if message.endswith(".") else "."))
        if hint:
            talk(hint)


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "") -> None:
    """A table: drawn on a terminal, tab-separated lines with a heading in a pipe.

    Columns whose name ends in `>` hold numbers, and stand to the right.
    """
    lines = [["" if cell is None else visible(str(cell)) for cell in row] for row in rows]
    names = [name.rstrip(">") for name in columns]
    if not is_terminal():
        for line in [names, *lines]:
            print("\t".join(line))
        return
    from rich.console import Console  # noqa: PLC0415 — only a terminal pays for rich
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        right = name.endswith(">")
        drawn.add_column(
            name.rstrip(">"),
            justify="right" if right else "left",
            no_wrap=right or name in {"id", "status"},
            overflow="ellipsis" if right else "fold",
        )
    for line in lines:
        drawn.add_row(*(Text(cell) for cell in line))
    Console().print(drawn)


def fields(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Names and values, one a line."""
    known = [(name, str(value)) for name, value in pairs if value not in (None, "")]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        if is_terminal():
            print(f"{name:{width}}  {visible(value)}")
        else:
            print(f"{name}\t{visible(value)}")


@contextlib.contextmanager
def bar(what: str, total: int | None = None) -> Generator[Callable[[int, int | None], None]]:
    """A progress bar on stderr, only where that is a terminal.

    Yields a function that takes how much is done, and of how much.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 — only a terminal pays for rich
    from rich.progress import (  # noqa: PLC0415  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        row = progress.add_task(what, total=total)
        yield lambda done, of: progress.update(row, completed=done, total=of)
