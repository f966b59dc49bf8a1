"""What `doctor` finds, as people read it."""

from collections.abc import Sequence
from typing import Final

from jobrunner.cli import render
from jobrunner.core.visible import visible

COLOURS: Final = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def print_findings(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Findings as level, name, sentence and next step: folded and coloured on a terminal."""
    if not render.is_terminal():
        render.table(("level", "name", "says", "hint"), rows)
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
