"""Find what was enqueued, or say what was enqueued instead."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any, Final, NamedTuple

from jobrunner.core import payload
from jobrunner.core.task import Task, TaskId
from jobrunner.core.visible import visible
from jobrunner.function import TaskFunction
from jobrunner.task_queue import TaskQueue

SHOWN: Final = 10
"""Lines of a failure's message."""

_ALL: Final = 2**62
_FIELDS: Final = frozenset(field.name for field in fields(Task)) - {"source"}

AnyFunction = TaskFunction[..., Any, Any] | str
"""A registered function, or its name."""


def enqueued(
    queue: TaskQueue,
    /,
    *,
    function: AnyFunction | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
    **wanted: Any,
) -> list[Task[Any]]:
    """The tasks that match, oldest first, whatever has become of them since.

    `wanted` are fields of `Task` with their values: `queue="mail"`, `priority=5`,
    `status=Status.PENDING`; `timeout` may be seconds, `after` may hold tasks.

    Raises:
        TypeError: a task has no such field.
    """
    found = _examine(queue, _criteria(function, args, kwargs, command, wanted))
    return [one.task for one in found if not one.differences]


def assert_enqueued(
    queue: TaskQueue,
    /,
    *,
    function: AnyFunction | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
    **wanted: Any,
) -> Task[Any]:
    """The newest task that matches, as `enqueued` finds it.

    Raises:
        AssertionError: none does; it tells which tasks there are, the nearest first.
        TypeError: a task has no such field.
    """
    __tracebackhide__ = True
    criteria = _criteria(function, args, kwargs, command, wanted)
    found = _examine(queue, criteria)
    matching = [one.task for one in found if not one.differences]
    if matching:
        return matching[-1]
    nearest = sorted(found, key=lambda one: (one.distance, -one.task.id))
    lines = [f"  {_line(one.task)}: {', '.join(one.differences)}" for one in nearest]
    problem = f"no task with {_said(criteria)}; " if criteria else ""
    if not lines:
        raise AssertionError(f"{problem}nothing was enqueued")
    raise AssertionError(_message(f"{problem}enqueued:", lines))


def refute_enqueued(
    queue: TaskQueue,
    /,
    *,
    function: AnyFunction | None = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
    **wanted: Any,
) -> None:
    """No task matches, as `enqueued` finds it.

    Raises:
        AssertionError: some do; it tells which.
        TypeError: a task has no such field.
    """
    __tracebackhide__ = True
    criteria = _criteria(function, args, kwargs, command, wanted)
    found = [one.task for one in _examine(queue, criteria) if not one.differences]
    if found:
        count = "1 task" if len(found) == 1 else f"{len(found)} tasks"
        problem = f"{count} with {_said(criteria)}" if criteria else f"{count} enqueued"
        lines = [f"  {_line(task)}" for task in reversed(found)]
        raise AssertionError(_message(f"{problem}:", lines))


class _Examined(NamedTuple):
    """A task, and in what it is not the wanted one."""

    task: Task[Any]
    differences: list[str]
    distance: int


def _criteria(
    function: AnyFunction | None,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    command: Sequence[str] | None,
    wanted: Mapping[str, Any],
) -> dict[str, Any]:
    """What must be equal, field by field, in the form in which tasks have it."""
    criteria: dict[str, Any] = {}
    if function is not None:
        criteria["function"] = function if isinstance(function, str) else function.name
    if args is not None:
        criteria["args"] = tuple(_stored(list(args)))
    if kwargs is not None:
        criteria["kwargs"] = _stored(dict(kwargs))
    if command is not None:
        criteria["command"] = tuple(command)
    return criteria | dict(_fields(wanted))


def _fields(wanted: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in wanted.items():
        if name not in _FIELDS:
            raise TypeError(f"a task has no field {name!r}; it has {', '.join(sorted(_FIELDS))}")
        if name == "timeout" and isinstance(value, int | float):
            yield name, timedelta(seconds=value)
        elif name == "after":
            yield name, tuple(sorted(_ids(value)))
        else:
            yield name, value


def _stored(value: Any) -> Any:
    """A value as it comes back from the database: tuples are lists, keys are text."""
    return payload.decode(payload.encode(value, what="the expected value"))


def _ids(parents: Iterable[Task[Any] | int]) -> Iterable[TaskId]:
    return (parent.id if isinstance(parent, Task) else TaskId(parent) for parent in parents)


def _examine(queue: TaskQueue, criteria: Mapping[str, Any]) -> list[_Examined]:
    return [_compare(task, criteria) for task in reversed(queue.find(limit=_ALL))]


def _compare(task: Task[Any], criteria: Mapping[str, Any]) -> _Examined:
    other = {
        name: getattr(task, name)
        for name, value in criteria.items()
        if getattr(task, name) != value
    }
    weights = {"function": len(_FIELDS), "command": len(_FIELDS)}  # more than all others together
    distance = sum(weights.get(name, 1) for name in other)
    return _Examined(
        task, [f"{name} is {_shown(value)}" for name, value in other.items()], distance
    )


def _said(criteria: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_shown(value)}" for name, value in criteria.items())


def _line(task: Task[Any]) -> str:
    if task.command is not None:
        work = _shown(list(task.command))
    else:
        values = [_shown(value) for value in task.args]
        values += [f"{name}={_shown(value)}" for name, value in task.kwargs.items()]
        work = f"{task.function}({', '.join(values)})"
    return visible(f"task {task.id} ({task.status}) {work}")


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, timedelta) else repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004 — a line of its own


def _message(problem: str, lines: Sequence[str]) -> str:
    shown = [problem, *lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"  and {len(lines) - SHOWN} more")
    return "\n".join(shown)
