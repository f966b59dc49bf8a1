"""Objects of a request as tasks, stored: what is wrong is named by its place and its ref."""

from typing import Any

from jobrunner.core.errors import InvalidTaskError, UnknownParentError
from jobrunner.core.lines import InvalidLineError, Parsed, checked, read_objects
from jobrunner.core.task import Task
from jobrunner.task_queue import TaskQueue
from jobrunner.web.acts import Acts

Objects = list[dict[str, Any]]


class InvalidItemError(InvalidTaskError):
    """One of many that cannot become a task."""

    def __init__(self, objects: Objects, place: int, problem: str, *, hint: str = "") -> None:
        """`place` counts from 0; of one alone, only the problem is told."""
        ref = objects[place].get("ref")
        named = f"tasks[{place}]" + (f", ref {ref!r}" if ref is not None else "")
        super().__init__(f"{named}: {problem}" if len(objects) > 1 else problem, hint=hint)
        self.place = place
        self.ref = ref


def stored(acts: Acts, queue: TaskQueue, objects: Objects, key: str | None) -> list[Task[Any]]:
    """Store them in one transaction, all or none.

    Raises:
        InvalidTaskError: one is not right, or they wait for each other.
    """
    found = tasks_of(queue, objects)
    try:
        return acts.enqueue(found.tasks, key)
    except UnknownParentError as error:
        place = found.line_of(int(error.parent))
        if place is None:
            raise
        raise InvalidItemError(objects, place, str(error), hint=error.hint) from error


def tasks_of(queue: TaskQueue, objects: Objects) -> Parsed:
    """The tasks that these are to become.

    Raises:
        InvalidTaskError: one is not right, or they wait for each other.
    """
    _check_refs(objects)
    try:
        lines = [checked(place, one) for place, one in enumerate(objects)]
        return read_objects(lines, queue.new_task)
    except InvalidLineError as error:
        raise InvalidItemError(objects, error.number, error.problem, hint=error.hint) from error


def _check_refs(objects: Objects) -> None:
    first: dict[str, int] = {}
    for place, one in enumerate(objects):
        ref = one.get("ref")
        if ref is not None and first.setdefault(ref, place) != place:
            raise InvalidItemError(objects, place, f"that is also the ref of tasks[{first[ref]}]")
