"""What may be changed of a task that waits."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from jobrunner.core import fields

Span = timedelta | float | int


class TaskChanges(TypedDict, total=False):
    """The new values, named as those of a new task; what is not named stays as it is.

    `delay` and `expires_in` count from now. `args` and `kwargs` take the place of all there were.
    `timeout` and `expires_at` are taken away by `None`.
    """

    priority: int
    description: str
    queue: str
    delay: Span
    run_at: datetime
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    command: Sequence[str]
    timeout: Span | None
    max_attempts: int
    expires_at: datetime | None
    expires_in: Span


_SPANS: Final = ("delay", "timeout", "expires_in")
_REMOVABLE: Final = ("timeout", "expires_at")
"""What `None` takes away; of anything else it says nothing."""


def as_fields(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as fields of a new task, whose checks are theirs.

    Raises:
        InvalidTaskError: what a name stands for cannot be changed.
    """
    for name in changes:
        if name not in TaskChanges.__annotations__:
            raise fields.invalid(name, "cannot be changed")
    values = {
        name: value for name, value in changes.items() if value is not None or name in _REMOVABLE
    }
    return {name: _span(name, value) if name in _SPANS else value for name, value in values.items()}


def _span(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError):
        raise fields.invalid(name, f"must be from 0 s to 100 years, not {value}") from None
