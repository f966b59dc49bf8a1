"""A batch: tasks that are told of together, and what runs once all of them have ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypedDict

from jobrunner.core import fields
from jobrunner.core.errors import TaskNotFoundError, TaskStateError
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import OPEN, Status
from jobrunner.core.task import TaskId

RULES: Final = {"on_success": "cancel", "on_failure": "only", "on_end": "run"}
"""The callbacks of a batch, and the rule of the edges over which each waits for the members."""


class Callbacks(TypedDict, total=False):
    """What runs once all members have ended: if all completed, if one did not, in any case."""

    on_success: NewTask[Any] | None
    on_failure: NewTask[Any] | None
    on_end: NewTask[Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One stored batch, as it was when it was read. `tasks` counts its members by status."""

    id: int
    description: str
    created_at: datetime
    on_success: TaskId | None
    on_failure: TaskId | None
    on_end: TaskId | None
    tasks: Mapping[Status, int]

    @property
    def ended(self) -> bool:
        """Whether no member is open."""
        return not any(self.tasks[status] for status in OPEN)


def given(callbacks: Callbacks) -> dict[str, NewTask[Any]]:
    """The callbacks that there are, by their names, in one order."""
    named: dict[str, Any] = {**callbacks}
    return {name: named[name] for name in RULES if named.get(name) is not None}


def check_new(members: Sequence[object], callbacks: Sequence[object]) -> None:
    """Make sure that a batch can be made of these.

    Raises:
        InvalidTaskError: a callback is a member, or two of them are one task.
    """
    for task in (*members, *callbacks):
        if not isinstance(task, NewTask):  # whatever the caller passed
            raise fields.invalid("batch", f"takes new tasks, not {fields.shown(task)}")
    if len({*callbacks}) < len(callbacks):
        raise fields.invalid("batch", "must have a task of its own for each callback")
    if {*members} & {*callbacks}:
        raise fields.invalid("batch", "cannot have a callback among its members")


class BatchNotFoundError(TaskNotFoundError):
    """No batch has that id."""

    hint = "List what there is with `jobrunner batch list`."

    def __init__(self, batch_id: int) -> None:
        """`batch_id` is the id that was asked for."""
        super().__init__(batch_id)
        self.args = (f"there is no batch {batch_id}",)


class BatchEndedError(TaskStateError):
    """All members of the batch have ended, and its callbacks do not wait any more."""

    def __init__(self, batch_id: int) -> None:
        """`batch_id` is the batch that was to grow."""
        hint = "A batch grows while one of its members has not ended: make a new one."
        super().__init__(batch_id, "", hint=hint)
        self.args = (f"batch {batch_id} has ended, and takes no more tasks",)


class NoBatchError(TaskStateError):
    """The task that runs here is of no batch."""

    def __init__(self, task_id: int) -> None:
        """`task_id` is the task that is running."""
        super().__init__(task_id, "is of no batch that could grow", hint="Name a batch by its id.")
