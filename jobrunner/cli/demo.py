"""`jobrunner demo`: the main job on real input, with a worker killed in the middle."""

import shlex
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.report_text import show_report
from jobrunner.core.errors import ConfigurationError

if TYPE_CHECKING:
    from jobrunner.demo.show import Shown

TOLD: Final = 10
"""Problems that are told one by one."""


def demo(
    *,
    files: Annotated[int, typer.Option(min=10, help="How many modules to work on.")] = 200,
    workers: Annotated[int, typer.Option(min=2, max=64, help="How many worker processes.")] = 3,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the temporary folder.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Work in this empty folder instead, and keep it.")
    ] = None,
) -> None:
    """See it all at work, a worker killed midway.

    A gzip command compresses each module of this Python and a function hashes it.
    Other tasks fail, are retried or cancelled. A long one goes on after the kill
    where it stood. Ends with 0 only if every file and the whole history were found
    right.
    """
    from jobrunner.demo.show import show  # noqa: PLC0415 — `--help` must not wait for SQLAlchemy

    place = empty_folder(folder)
    keep = keep or folder is not None
    try:
        with render.bar("tasks") as advance:
            talk = _Talk(advance)
            talk.say(f"Working in {place}")
            shown = show(place, files=files, workers=workers, talk=talk)
        keep = keep or bool(shown.problems)
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
    _conclude(shown)
    if keep:
        render.talk(f"Look around: jobrunner --db {shlex.quote(str(shown.database))} task list")
    if shown.problems:
        raise typer.Exit(1)


def empty_folder(folder: Path | None, prefix: str = "jobrunner-demo-") -> Path:
    """An empty folder to work in, a temporary one unless it is named.

    Raises:
        ConfigurationError: it cannot be made, or has something in it.
    """
    if folder is None:
        return Path(tempfile.mkdtemp(prefix=prefix))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise ConfigurationError(f"cannot work in {folder}: {error.strerror}") from None
    if not is_empty:
        raise ConfigurationError(f"{folder} is not empty", hint="Name a new or an empty folder.")
    return folder.resolve()


def _conclude(shown: "Shown") -> None:
    """Print the report, and what the examination has found."""
    show_report(shown.report)
    render.out("")
    render.out(f"Rescued   {shown.report.attempts.get('lost', 0)} tasks of the killed worker")
    for problem in shown.problems[:TOLD]:
        render.talk(f"WRONG: {problem}")
    if shown.problems:
        render.talk(f"The examination found {len(shown.problems)} problems.")
        return
    render.out(
        f"Verified  {shown.files} gzip files and as many checksums; no task completed twice;"
    )
    render.out("          the long task of the killed worker went on from where it stood")


class _Talk:
    """Tells what goes on: lines, and on a terminal a progress bar below them."""

    def __init__(self, advance: Callable[[int, int | None], None]) -> None:
        self.progress = advance

    def say(self, line: str) -> None:
        render.talk(line)
