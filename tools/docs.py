"""Write the pages of docs/ that follow from the code: the commands, the API and the statuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from jobrunner.cli.app import app
from jobrunner.cli.endings import MEANINGS
from jobrunner.config import DEFAULT_DB, KNOWN
from jobrunner.core.lines import KEYS
from jobrunner.core.status import FINAL, TRANSITIONS, Status
from tools.reference import INTRODUCTION, reference

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTE = "<!-- Written by `python tools/docs.py`; a test holds it to the code. -->"
WIDTH = 80
"""Columns that a help text is wrapped to."""

STREAMS = """
stdout is data, stderr is talk: logs, progress bars, warnings and errors. On a terminal there are
tables; in a pipe plain lines, tab-separated and never cut; with `--json` one document. Text that
comes from tasks is shown with its control characters made visible. The global options (`--db`,
`-A`, `-v`) may stand before or behind a command.
"""

SETTINGS = f"""
The first that says something wins: the flag, the variable, the nearest pyproject.toml at or above
the present folder (a path there is relative to that file), the default, `./{DEFAULT_DB}`. Where an
application is named and no database, it is the application's own.
"""

LINES = """
`jobrunner enqueue --from FILE` reads one JSON object a line, all of them or none. `ref` names the
line for `after` and `after_any`, which take refs of the file, forward too, and ids of stored tasks.
Spans are seconds, `run_at` and `expires_at` ISO 8601 moments with a zone. With `--json` it prints
an object from ref to id; a line without a ref stands under its number.
"""


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/{name}")


def pages() -> dict[str, str]:
    """The pages by their file names."""
    return {
        "cli.md": "\n".join(_command_line()),
        "python.md": "\n".join(("# The Python API", "", NOTE, INTRODUCTION, *reference(), "")),
        "statuses.md": "\n".join(_statuses()),
    }


def _command_line() -> Iterator[str]:
    yield from ("# The command line", "", NOTE, STREAMS)
    yield from ("## Settings", "", "| flag | variable | `[tool.jobrunner]` |", "|---|---|---|")
    for name in KNOWN:
        yield f"| `--{name.replace('_', '-')}` | `JOBRUNNER_{name.upper()}` | `{name}` |"
    yield SETTINGS
    yield from ("## Exit codes", "", "| code | meaning |", "|---|---|")
    yield from (f"| {code} | {meaning} |" for code, meaning in MEANINGS.items())
    yield from ("", "## JSON lines", LINES, f"Keys: {_words(KEYS)}.")
    yield from _command(typer.main.get_command(app), "jobrunner", None)
    yield ""


def _command(command: Any, name: str, above: typer.Context | None) -> Iterator[str]:
    """One command with its help, then those below it."""
    context = typer.Context(
        command, info_name=name, parent=above, terminal_width=WIDTH, **command.context_settings
    )
    yield from ("", f"## `{context.command_path}`", "", "```text")
    yield from (line.rstrip() for line in command.get_help(context).splitlines())
    yield "```"
    for below, found in getattr(command, "commands", {}).items():
        yield from _command(found, below, context)


def _statuses() -> Iterator[str]:
    yield from ("# Statuses", "", NOTE, "")
    yield f"In the database and in JSON the words are {_words(Status)}."
    yield from ("", "```mermaid", "stateDiagram-v2")
    yield from (f"    {before or '[*]'} --> {after}" for before, after in TRANSITIONS)
    yield from (f"    {status} --> [*]" for status in Status if status in FINAL)
    yield from ("```", "", "| from | to | when |", "|---|---|---|")
    for (before, after), reason in TRANSITIONS.items():
        yield f"| {before.label if before else '(new)'} | {after.label} | {reason} |"
    final = _words(status for status in Status if status in FINAL)
    again = _words(
        before for before, after in TRANSITIONS if before in FINAL and after == "pending"
    )
    yield from ("", f"Final: {final}. Only a person has {again} tasks run again.", "")


def _words(found: Any) -> str:
    return ", ".join(f"`{word}`" for word in found)


if __name__ == "__main__":
    main()
