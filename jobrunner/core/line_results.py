"""Lines of a file that name each other: parents, and results among arguments."""

from collections.abc import Callable
from typing import Any, Final

from jobrunner.core.new_task import NewTask
from jobrunner.core.result import Result
from jobrunner.core.results import Encoder, of_json, refs_of
from jobrunner.core.task import TaskId

_ARGUMENTS: Final = ("args", "kwargs", "command")


def refs_named(line: dict[str, Any]) -> list[str]:
    """The refs that a line waits for, be it for their results.

    Raises:
        InvalidTaskError: what stands for a result names none.
    """
    named = [p for key in ("after", "after_any") for p in line.get(key, []) if isinstance(p, str)]
    return [*named, *(ref for key in _ARGUMENTS for ref in refs_of(line.get(key)))]


def with_results(fields: dict[str, Any], find: Callable[[str], NewTask[Any]]) -> dict[str, Any]:
    """The fields of a line, with the tasks of the refs that stand for results in their place."""
    for key in _ARGUMENTS:
        if key in fields:
            fields[key] = of_json(fields[key], find)
    return fields


def check_arguments(new: NewTask[Any]) -> list[TaskId]:
    """Refuse here what the storage would refuse without knowing the line.

    Returns the ids of stored tasks whose results it is to be given.

    Raises:
        PayloadError: an argument cannot be stored.
    """
    encoder = Encoder(lambda one: one.task_id if isinstance(one, Result) else TaskId(0))
    for what, value in (("args", new.args), ("kwargs", new.kwargs)):
        if value:
            encoder.arguments(value, what=what)
    if new.command:
        encoder.argv(new.command)
    return [task_id for task_id in encoder.taken() if task_id]
