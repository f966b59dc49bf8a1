"""Which tasks are wanted, and in what the others differ from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypedDict

from jobrunner.core import payload
from jobrunner.core.options import Span
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId
from jobrunner.function import TaskFunction

LONGEST: Final = 80
"""Characters of a value in a message."""

_FIELDS: Final = frozenset(field.name for field in fields(Task)) - {"source"}
_HEAVY: Final = ("function", "command")
"""A task that runs something else is further away than one that differs in all other fields."""


class Wanted(TypedDict, total=False):
    """Fields of a task with their values. `function` may be given itself or by its name."""

    function: TaskFunction[..., Any, Any] | str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    command: Sequence[str]
    id: int
    status: Status | str
    queue: str
    priority: int
    description: str
    run_at: datetime
    after: Sequence[Task[Any] | int]
    timeout: Span | None
    max_attempts: int
    attempt: int
    cwd: str | None
    error: str | None
    returned: Any


class Compared(NamedTuple):
    """A task, in what it is not the wanted one, and how far away that is."""

    task: Task[Any]
    differences: list[str]
    distance: int


def criteria(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What must be equal, field by field, in the form in which tasks have it.

    Raises:
        TypeError: a task has no such field.
    """
    for name in wanted:
        if name not in _FIELDS:
            raise TypeError(f"a task has no field {name!r}; it has {', '.join(sorted(_FIELDS))}")
    return {name: _FORMS.get(name, _same)(value) for name, value in wanted.items()}


def compare(task: Task[Any], criteria: Mapping[str, Any]) -> Compared:
    """See in what a task differs."""
    found = {name: getattr(task, name) for name in criteria}
    other = {name: value for name, value in found.items() if value != criteria[name]}
    distance = sum(len(_FIELDS) if name in _HEAVY else 1 for name in other)
    return Compared(task, [f"{name} is {shown(value)}" for name, value in other.items()], distance)


def shown(value: Any) -> str:
    """A value in a message, not too long."""
    text = str(value) if isinstance(value, timedelta) else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _same(value: Any) -> Any:
    return value


def _name(function: TaskFunction[..., Any, Any] | str) -> str:
    return function if isinstance(function, str) else function.name


def _arguments(args: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(_stored(list(args)))


def _stored(value: Any) -> Any:
    """A value as it comes back from the database: tuples are lists, keys are text."""
    return payload.decode(payload.encode(value, what="the expected value"))


def _span(value: Span | None) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, int | float) else value


def _ids(parents: Iterable[Task[Any] | int]) -> tuple[TaskId, ...]:
    ids = (parent.id if isinstance(parent, Task) else TaskId(parent) for parent in parents)
    return tuple(sorted(ids))


_FORMS: Final[Mapping[str, Any]] = {
    "function": _name,
    "args": _arguments,
    "kwargs": _stored,
    "command": tuple,
    "timeout": _span,
    "after": _ids,
}
"""What is made of a value before it is compared."""
