"""The result of a stored task, wanted as an argument of another."""

from dataclasses import dataclass
from typing import Final

from jobrunner.core import fields
from jobrunner.core.task import TASK_IDS, TaskId

KEY: Final = "$result"
"""What stands for a result in JSON: `{"$result": 12}`."""


@dataclass(frozen=True, slots=True)
class Result:
    """Stands for what a task, named by its id, will have returned.

    Among arguments a `Task` or a `NewTask` means the same; this is for who has only the id.

    Raises:
        InvalidTaskError: no task can have this id.
    """

    task_id: TaskId

    def __post_init__(self) -> None:
        """Check it, whatever was given."""
        fields.check_integer("result", self.task_id, TASK_IDS)
