"""Find what was enqueued, or say what was enqueued instead."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Unpack

from jobrunner.core.task import Task
from jobrunner.core.visible import visible
from jobrunner.task_queue import TaskQueue
from jobrunner.testing.criteria import Compared, Wanted, compare, criteria, shown

SHOWN: Final = 10
"""Lines of a failure's message."""

_ALL: Final = 2**62


def enqueued(source: TaskQueue, /, **wanted: Unpack[Wanted]) -> list[Task[Any]]:
    """The tasks that match, oldest first, whatever has become of them since.

    `wanted` are fields of `Task` with their values: `function=send`, `args=["ada"]`,
    `queue="mail"`, `status=Status.PENDING`. `timeout` may be seconds, `after` may hold tasks.

    Raises:
        TypeError: a task has no such field.
    """
    return _matching(_compared(source, criteria(wanted)))


def assert_enqueued(source: TaskQueue, /, **wanted: Unpack[Wanted]) -> Task[Any]:
    """The newest task that matches, as `enqueued` finds it.

    Raises:
        AssertionError: none does; it tells which tasks there are, the nearest first.
        TypeError: a task has no such field.
    """
    __tracebackhide__ = True
    found = _compared(source, criteria(wanted))
    if matching := _matching(found):
        return matching[-1]
    nearest = sorted(found, key=lambda one: (one.distance, -one.task.id))
    lines = [f"{_line(one.task)}: {', '.join(one.differences)}" for one in nearest]
    problem = f"no task{_with(criteria(wanted))}; " if wanted else ""
    raise AssertionError(_message(f"{problem}{'' if lines else 'nothing was '}enqueued", lines))


def refute_enqueued(source: TaskQueue, /, **wanted: Unpack[Wanted]) -> None:
    """No task matches, as `enqueued` finds it.

    Raises:
        AssertionError: some do; it tells which.
        TypeError: a task has no such field.
    """
    __tracebackhide__ = True
    if found := enqueued(source, **wanted):
        lines = [_line(task) for task in reversed(found)]
        count = "1 task" if len(found) == 1 else f"{len(found)} tasks"
        raise AssertionError(_message(f"{count} enqueued{_with(criteria(wanted))}", lines))


def _compared(queue: TaskQueue, wanted: Mapping[str, Any]) -> list[Compared]:
    return [compare(task, wanted) for task in reversed(queue.find(limit=_ALL))]


def _matching(found: Sequence[Compared]) -> list[Task[Any]]:
    return [one.task for one in found if not one.differences]


def _with(wanted: Mapping[str, Any]) -> str:
    said = " ".join(f"{name}={shown(value)}" for name, value in wanted.items())
    return f" with {said}" if said else ""


def _line(task: Task[Any]) -> str:
    if task.command is not None:
        return f"task {task.id} ({task.status}) {shown(list(task.command))}"
    values = [shown(value) for value in task.args]
    values += [f"{name}={shown(value)}" for name, value in task.kwargs.items()]
    return f"task {task.id} ({task.status}) {task.function}({', '.join(values)})"


def _message(problem: str, lines: Sequence[str]) -> str:
    if not lines:
        return problem
    more = [f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{problem}:", *(f"  {visible(line)}" for line in lines[:SHOWN]), *more])
