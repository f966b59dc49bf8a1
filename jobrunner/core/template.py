"""A task to be stored again and again, as JSON text: all of it but what belongs to one moment."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, fields
from datetime import timedelta
from typing import Any, Final, cast

from jobrunner.core import payload
from jobrunner.core.cache import Cache
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.core.unique import Unique

ONCE: Final = ("after", "after_any", "run_at", "expires_at")
"""What can hold for one task only."""

_SPANS: Final = frozenset({"delay", "timeout", "expires_in", "within", "max_wait"})


def encode(task: NewTask[Any]) -> str:
    """Tell a task as JSON text; equal ones have equal texts.

    One that is to be unique is left out where another is there, whatever it says of that: there
    is nobody whom an error would reach.

    Raises:
        InvalidTaskError: it is to run after others, or has a moment of its own.
        PayloadError: it is not JSON, or too large.
    """
    values = _given(task)
    for name in ONCE:
        if name in values:
            raise InvalidTaskError(
                f"{name} holds for one task only, and a template is for many",
                field=name,
                hint="Give a length of time in place of a moment; leave parents out.",
            )
    if isinstance(task.unique, str):
        values["unique"] = {"key": task.unique, "on_conflict": "ignore"}
    elif task.unique is not None:
        rule = _given(task.unique)
        if task.unique.on_conflict == "error":
            rule["on_conflict"] = "ignore"
        values["unique"] = rule
    if task.cache is not None:
        values["cache"] = _given(task.cache)
    text = payload.encode(values, what="task")
    decode(text)  # what cannot be read back is refused now, and not when it is to be stored
    return text


def decode(text: str) -> NewTask[Any]:
    """Read back what `encode` wrote.

    Raises:
        InvalidTaskError: it is no task.
    """
    try:
        values = _spans(payload.decode(text))
        if "unique" in values:
            rule = _spans(values["unique"])
            if "in_" in rule:
                rule["in_"] = frozenset(map(Status, rule["in_"]))
            values["unique"] = Unique(**rule)
        if "cache" in values:
            values["cache"] = Cache(**values["cache"])
        return NewTask(**values)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidTaskError(f"it cannot be read as a task: {error}") from error


def _given(value: Any) -> dict[str, Any]:
    """The fields that differ from what they are by themselves, as JSON has them."""
    found: dict[str, Any] = {}
    for field in fields(value):
        given = getattr(value, field.name)
        plain = field.default
        if field.default_factory is not MISSING:
            plain = field.default_factory()
        if given is not None and given != plain:
            found[field.name] = _plain(given)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, AbstractSet):
        return sorted(cast("AbstractSet[str]", value))
    return list(cast("Sequence[Any]", value)) if isinstance(value, tuple) else value


def _spans(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: timedelta(seconds=value) if name in _SPANS else value
        for name, value in values.items()
    }
