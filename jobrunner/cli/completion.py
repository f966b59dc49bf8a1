"""What may stand where somebody types: ids of tasks, queues and functions, from a file."""

from pathlib import Path

import typer

from jobrunner.config import DEFAULT_DB, Settings, load
from jobrunner.core.errors import JobrunnerError
from jobrunner.core.visible import visible


def tasks(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The newest tasks whose id begins so, each with its status and name."""
    return _found(context, "TASKS", incomplete)


def queues(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The queues of the newest tasks, and those for which something is set."""
    return _found(context, "QUEUES", incomplete)


def functions(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The functions of the newest tasks."""
    return _found(context, "FUNCTIONS", incomplete)


def _found(context: typer.Context, query: str, incomplete: str) -> list[tuple[str, str]]:
    from jobrunner.storage import glimpse  # noqa: PLC0415 — only who completes needs it

    given = context.find_root().params
    try:
        settings = load(Settings(db=given.get("db"), app=given.get("app")))
    except JobrunnerError:
        return []
    path = settings.db or DEFAULT_DB
    if "://" in path or (settings.db is None and settings.app is not None):
        return []  # a server is asked for nothing, and an application not imported
    found = glimpse.glimpse(Path(path), getattr(glimpse, query), incomplete)
    return [(visible(word), visible(what)) for word, what in found]
