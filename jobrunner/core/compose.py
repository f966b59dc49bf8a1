"""Small graphs of tasks that are not stored yet: one after the other, many side by side."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from jobrunner.core.new_task import NewTask

T = TypeVar("T")

Step = NewTask[Any] | Sequence[NewTask[Any]]
"""One task, or several that run side by side."""


def chain(*steps: Step, results: bool = False) -> list[NewTask[Any]]:
    """Tasks of which each waits for all of the step before it, to be enqueued in one call.

    A step is a task or a list of tasks, so that this fans out and in again. With `results`, the
    first argument of each is what the step before it returned, a list for a list; of a command,
    the last part.

    Raises:
        InvalidTaskError: a step is neither.
    """
    made: list[NewTask[Any]] = []
    before: Step = ()
    for step in steps:
        parents = _tasks(before)
        given = (before,) if results and parents else ()
        now = [_after(task, parents, given) for task in _tasks(step)]
        made += now
        before = now[0] if isinstance(step, NewTask) else now
    return made


def group(make: Callable[[T], NewTask[Any]], items: Iterable[T]) -> list[NewTask[Any]]:
    """One task for each item, side by side: `group(resize.bind, paths)`; a step of a chain."""
    return [make(item) for item in items]


def _tasks(step: Step) -> Sequence[NewTask[Any]]:
    return [step] if isinstance(step, NewTask) else step


def _after(
    task: NewTask[Any], parents: Sequence[NewTask[Any]], given: Sequence[Any]
) -> NewTask[Any]:
    if not parents:
        return task
    after = [*task.after, *parents]
    if not given:
        return replace(task, after=after)
    if task.command is not None:
        more = [one for step in given for one in _tasks(step)]
        return replace(task, after=after, command=[*task.command, *more])
    return replace(task, after=after, args=[*given, *task.args])
