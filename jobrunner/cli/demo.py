"""`jobrunner demo`: the main job on real input, with a worker killed in the middle."""

import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.demo.show import Shown

TOLD: Final = 10
"""Problems that are told one by one."""

BAR: Final = 40
"""Characters of the progress bar."""


def demo(
    *,
    files: Annotated[int, typer.Option(min=10, help="How many modules to work on.")] = 200,
    workers: Annotated[int, typer.Option(min=2, max=64, help="How many worker processes.")] = 3,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary folder.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Work in this empty folder instead, and keep it.")
    ] = None,
) -> None:
    """Show the whole on real input: the modules of this Python, a worker killed midway.

    A gzip command compresses each module and a function hashes it. Other tasks
    fail, are retried or cancelled. A long one goes on after the kill where it
    stood. Ends with 0 only if every file and the whole history were found right.
    """
    from jobrunner.demo.show import show  # noqa: PLC0415 — `--help` must not wait for SQLAlchemy

    talk = StderrTalk()
    place = _place(folder)
    keep = keep or folder is not None
    try:
        talk.say(f"Working in {place}")
        shown = show(place, files=files, workers=workers, talk=talk)
        keep = keep or bool(shown.problems)
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
    _conclude(shown, talk)
    if keep:
        talk.say(f"Look around: jobrunner --db {shlex.quote(str(shown.database))} task list")
    if shown.problems:
        raise typer.Exit(1)


def _place(folder: Path | None) -> Path:
    """An empty folder to work in, a temporary one unless it is named.

    Raises:
        ConfigurationError: it cannot be made, or has something in it.
    """
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="jobrunner-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(f"cannot work in {folder}: {error.strerror}") from None
    if not is_empty:
        raise ConfigurationError(f"{folder} is not empty", hint="Name a new or an empty folder.")
    return folder.resolve()


def _conclude(shown: "Shown", talk: "StderrTalk") -> None:
    """Print the report, and what the examination has found."""
    typer.echo(report_text(shown.report))
    for problem in shown.problems[:TOLD]:
        talk.say(f"WRONG: {problem}")
    if shown.problems:
        talk.say(f"The examination found {len(shown.problems)} problems.")
        return
    typer.echo(
        f"Verified: all {shown.files} gzip files and checksums are right, no task completed\n"
        f"twice, and the killed worker's task went on from step {shown.resumed_at}, not from 0."
    )


class StderrTalk:
    """Tells what goes on, a line each; on a terminal with a progress bar below."""

    def __init__(self) -> None:
        """Look whether anybody watches."""
        self._is_watched = sys.stderr.isatty()

    def say(self, line: str) -> None:
        """Tell one thing that has happened."""
        typer.echo(f"\r\x1b[K{line}" if self._is_watched else line, err=True)

    def progress(self, done: int, total: int) -> None:
        """Show how many tasks have ended."""
        if self._is_watched:
            bar = "#" * (done * BAR // total)
            typer.echo(f"\r[{bar:<{BAR}}] {done} of {total} tasks", err=True, nl=False)
