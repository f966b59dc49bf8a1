"""What is to be changed of a task, as a server takes it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jobrunner.core import payload
from jobrunner.core.changes import as_fields


def change_object(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as JSON.

    Raises:
        InvalidTaskError: what a name stands for cannot be changed, or a value is not JSON.
    """
    told = {name: plain(value) for name, value in as_fields(changes).items()}
    for name, value in told.items():
        payload.encode(value, what=name)
    return told


def plain(value: Any) -> Any:
    """A span in seconds, a moment in UTC; anything else as it is."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value
