"""New tasks as the JSON lines that `lines` reads: only what differs from what they are anyway."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard

from jobrunner.core.cache import Cache
from jobrunner.core.errors import UnknownParentError
from jobrunner.core.line_unique import words_of
from jobrunner.core.new_task import NewTask
from jobrunner.core.result import KEY, Result
from jobrunner.core.results import to_json
from jobrunner.core.task import Task
from jobrunner.core.unique import Unique

_PLAIN: Final[NewTask[Any]] = NewTask(function="any")
_ALWAYS: Final = Unique()

Name = Callable[[Any], int | str]
"""What a line calls a task: its ref, or its id if it is stored."""


def line_objects(new: Sequence[NewTask[Any]]) -> list[dict[str, Any]]:
    """Tasks as the lines of one call; those that others name have refs.

    Raises:
        UnknownParentError: one waits for a task that is neither stored nor one of these.
        PayloadError: an argument is not JSON.
    """
    places = {id(task): str(place) for place, task in enumerate(new)}
    named: set[str] = set()

    def name(task: Any) -> int | str:
        if not _is_new(task):
            return id_of(task)
        ref = places.get(id(task))
        if ref is None:
            raise UnknownParentError(task.name)
        named.add(ref)
        return ref

    lines = [line_object(task, name) for task in new]
    for place, line in enumerate(lines):
        if str(place) in named:
            line["ref"] = str(place)
    return lines


def _is_new(task: object) -> TypeGuard[NewTask[Any]]:
    return isinstance(task, NewTask)


def line_object(task: NewTask[Any], name: Name) -> dict[str, Any]:
    """One task."""
    line: dict[str, Any] = {}
    for field in fields(task):
        value = getattr(task, field.name)
        if value is not None and (field.name == "function" or value != getattr(_PLAIN, field.name)):
            line[field.name] = _told(field.name, value, name)
    return line


def id_of(task: Any) -> int:
    """The id of a stored task, however it is named."""
    match task:
        case Task():
            return int(task.id)
        case Result():
            return int(task.task_id)
        case _:
            return int(task)


def _told(field: str, value: Any, name: Name) -> Any:  # noqa: PLR0911 — one for each kind
    if field in ("after", "after_any"):
        return [name(parent) for parent in value]
    if field in ("args", "kwargs", "command"):
        return to_json(value, lambda task: {KEY: name(task)}, what=field)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Unique):
        return _rule(value)
    if isinstance(value, Cache):
        return value.as_json() or True
    return dict(value) if field == "needs" else value


def _rule(rule: Unique) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field in fields(rule):
        value = getattr(rule, field.name)
        if value == getattr(_ALWAYS, field.name):
            continue
        if field.name == "in_":
            told["in"] = words_of(value)
        elif field.name == "by":
            told["by"] = list(value)
        else:
            told[field.name] = value.total_seconds() if isinstance(value, timedelta) else value
    return told
