"""`jobrunner report --html` and `--fail-if`: the report as a page, and as a verdict for CI."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import typer

from jobrunner.cli import render
from jobrunner.core.condition import Condition
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.report import Report

STDOUT: Final = "-"


def write_page(page: str, place: str, *, database: Path | None) -> None:
    """Write the page into a file, or to stdout.

    Raises:
        ConfigurationError: it cannot be written there, or belongs to the database.
    """
    if place == STDOUT:
        render.out(page.removesuffix("\n"))
        return
    path = Path(place)
    if database is not None and _is_of(path, database):
        raise ConfigurationError(
            f"{place} belongs to the database, which a page must not replace",
            hint="Name another file, such as report.html.",
        )
    try:
        path.write_text(page, encoding="utf-8", errors="xmlcharrefreplace")
    except OSError as error:
        raise ConfigurationError(
            f"{place} cannot be written: {error.strerror or error}",
            hint="Name a file in a folder that is there and that you may write to.",
        ) from error


def _is_of(path: Path, database: Path) -> bool:
    """Whether a path is the database or lies beside it, by whatever links: `-wal`, `.lock`."""
    return path.resolve().name.startswith(database.name) and (
        path.resolve().parent == database.resolve().parent
    )


def judge(report: Report, conditions: Iterable[Condition]) -> None:
    """End with exit code 1 if one of these is so.

    Raises:
        Exit: it is.
    """
    broken = [one for one in conditions if one.holds(report)]
    for one in broken:
        value = one.value(report) or 0
        render.talk(f"jobrunner: {one.name} is {value:g}, which --fail-if {one} refuses.")
    if broken:
        raise typer.Exit(1)
