"""What people call a task, from as few columns as it takes."""

from typing import Final

from jobrunner.core import payload
from jobrunner.storage.tables import tasks

NAMING: Final = (tasks.c.description, tasks.c.function, tasks.c.command)
"""The columns that `name_of` takes."""


def name_of(description: str | None, function: str | None, command: str | None) -> str:
    """Its description, or what it runs, as `Task.name`."""
    return description or function or " ".join(payload.decode(command) or ())
