"""The only place that prints: tables on a terminal, plain lines in a pipe, JSON on request."""

import contextlib
import csv
import itertools
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Generator, Iterable, Sequence
from io import TextIOWrapper
from typing import Any, Final, TextIO

from jobrunner.core.visible import visible, visible_json

Cell = str | int | float | None

MARKS: Final = ">…~"
"""What the name of a column may end in; see `table`."""


def set_up() -> None:
    """Write UTF-8 whatever the locale, and never fail on a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return _is_terminal(sys.stdout)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # none where the descriptor is closed


def flush() -> None:
    """Write out what waits in stdout's buffer."""
    if sys.stdout is not None:
        sys.stdout.flush()


def out(text: object) -> None:
    """A line of data."""
    print(visible(str(text), keep="\n\t"))


def row(cells: Sequence[Cell], *, drawn: str) -> None:
    """A line of a table that goes on: as it is `drawn` on a terminal, cut to its width there."""
    if not is_terminal():
        print("\t".join("" if cell is None else visible(str(cell)) for cell in cells))
        return
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 — only a terminal pays for rich

    text, width = visible(drawn), shutil.get_terminal_size().columns
    print(f"{set_cell_size(text, width - 1)}…" if cell_len(text) > width else text)


def talk(text: str) -> None:
    """A line for the person at the terminal."""
    print(visible(text, keep="\n\t"), file=sys.stderr)


def piece(text: str, *, aside: bool = False) -> None:
    """Text as it comes, be it a part of a line: data, or `aside` for the person."""
    told = visible(text, keep="\n\t")
    print(told, end="", file=sys.stderr if aside else sys.stdout, flush=True)


def json_line(value: Any) -> None:
    """One JSON document on one line, at once: there may be more to come."""
    print(visible_json(json.dumps(value, ensure_ascii=False)), flush=True)


def as_json(value: Any) -> None:
    """One JSON document."""
    print(visible_json(json.dumps(value, ensure_ascii=False, indent=2)))


def error(code: str, message: str, hint: str, *, in_json: bool) -> None:
    """One sentence and a next step."""
    if in_json:
        told = {"error": {"code": code, "message": message, "hint": hint}}
        print(visible_json(json.dumps(told, ensure_ascii=False)), file=sys.stderr)
    else:
        talk(f"jobrunner: {message}" + ("" if message.endswith((".", "?")) else "."))
        if hint:
            talk(hint)


def as_csv(columns: Sequence[str], rows: Iterable[Iterable[Cell]]) -> None:
    """Comma-separated values with a heading; control characters are shown on a terminal only."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = ["" if cell is None else cell for cell in row]
        writer.writerow(map(visible, map(str, cells)) if is_terminal() else cells)


def stream(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Tab-separated lines with a heading, each printed as it comes."""
    for row in itertools.chain([columns], rows):
        print("\t".join(_cells(row)))


def _cells(row: Iterable[Cell]) -> list[str]:
    return ["" if cell is None else visible(str(cell)) for cell in row]


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "") -> None:
    """A table: drawn on a terminal, tab-separated lines with a heading in a pipe.

    A name that ends in `>` stands over numbers, to the right. Where the terminal is too narrow,
    columns that end in `…` are cut, and those that end in `~` are folded.
    """
    names = [name.rstrip(MARKS) for name in columns]
    if not is_terminal():
        stream(names, rows)
        return
    lines = [_cells(row) for row in rows]
    from rich.console import Console  # noqa: PLC0415 — only a terminal pays for rich
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        drawn.add_column(
            Text(name.rstrip(MARKS)),
            justify="right" if name.endswith(">") else "left",
            no_wrap=not name.endswith(("…", "~")),
            overflow="fold",
        )
    for line in lines:
        drawn.add_row(
            *(
                Text(cell, overflow="ellipsis", no_wrap=True) if name.endswith("…") else Text(cell)
                for name, cell in zip(columns, line, strict=True)
            )
        )
    Console().print(drawn)


COLOURS: Final = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def findings(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Findings as level, name, sentence and next step: folded and coloured on a terminal."""
    if not is_terminal():
        table(("level", "name", "says", "hint"), rows)
        return
    from rich.console import Console  # noqa: PLC0415 — only a terminal pays for rich
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(box=None, pad_edge=False, show_header=False)
    for fold in (False, False, True):
        drawn.add_column(no_wrap=not fold, overflow="fold")
    for level, name, says, hint in rows:
        told = Text(visible(says))
        if hint:
            told.append(f"\n{visible(hint)}", style="bold")
        drawn.add_row(Text(level, style=COLOURS[level]), Text(name), told)
    Console().print(drawn)


def fields(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Names and values, one a line; on a terminal long values go on below themselves."""
    known = [(name, str(value)) for name, value in pairs if value not in (None, "")]
    width = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        if is_terminal():
            room = max(shutil.get_terminal_size().columns - width - 2, 20)
            lines = textwrap.wrap(visible(value), room, break_on_hyphens=False)
            print(f"{name:{width}}  " + f"\n{'':{width}}  ".join(lines))
        else:
            print(f"{name}\t{visible(value)}")


def shows_bars() -> bool:
    """Whether somebody looks at stderr."""
    return _is_terminal(sys.stderr)


def takes_answers() -> bool:
    """Whether somebody can be asked."""
    return _is_terminal(sys.stdin) and shows_bars()


@contextlib.contextmanager
def pulse(what: str) -> Generator[None]:
    """The same for one long step that cannot say how far it is."""
    with bar(what, is_known=False):
        yield


@contextlib.contextmanager
def bar(
    what: str, total: int | None = None, *, is_known: bool = True
) -> Generator[Callable[[int, int | None], None]]:
    """A progress bar on stderr, only where that is a terminal.

    Yields a function that takes how much is done, and of how much. `is_known` is false where
    nobody will ever tell.
    """
    if not shows_bars():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 — only a terminal pays for rich
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        *((TextColumn("left"), TimeRemainingColumn()) if is_known else ()),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        row = progress.add_task(what, total=total, told="")

        def show(done: int, of: int | None) -> None:
            told = f"{done:,}" if of is None else f"{done:,} of {of:,}"
            progress.update(row, completed=done, total=of, told=told)

        yield show
