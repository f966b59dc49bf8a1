"""Many tasks at once: which are meant, what is done to them, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, TypedDict

from jobrunner.core import payload
from jobrunner.core.errors import ConfigurationError, TaskNotFoundError
from jobrunner.core.fields import check_moment
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import TaskId


class Act(StrEnum):
    """What may be done to many tasks."""

    RETRY = "retry"
    CANCEL = "cancel"
    DELETE = "delete"


FITTING: Final[dict[Act, tuple[Status, ...]]] = {
    Act.RETRY: (Status.FAILED, Status.CANCELLED),
    Act.CANCEL: (Status.BLOCKED, Status.SCHEDULED, Status.PENDING, Status.IN_PROGRESS),
    Act.DELETE: tuple(status for status in Status if status is not Status.IN_PROGRESS),
}
"""The statuses that allow it."""

UNLESS_SAID: Final[dict[Act, tuple[Status, ...]]] = {
    Act.RETRY: (Status.FAILED,),
    Act.CANCEL: FITTING[Act.CANCEL],
    Act.DELETE: tuple(status for status in Status if status in FINAL),
}
"""Those that are meant where none is named: what people have cancelled, or wait for, is not."""


class BulkFilter(TypedDict, total=False):
    """Which tasks are meant; see `Wanted`."""

    ids: Sequence[int]
    status: Status | None
    queue: str | None
    function: str | None
    error: str | None
    older_than: datetime | None
    newer_than: datetime | None
    batch_id: int | None
    every: bool
    text: str | None
    worker_id: str | None
    created_since: datetime | None
    created_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tasks are meant: those that match all that is given, and at least something must be.

    `error` is a part of the text of the last error, `text` of what the task is called or runs;
    `worker_id`, `created_since` and `created_until` are those of `TaskQuery`. `older_than` and
    `newer_than` are moments: the task's end lies before or behind, or, if it has not ended, its
    enqueueing. `every` asks for all on purpose.

    Raises:
        ConfigurationError: nothing is given.
        PayloadError: a text cannot be stored, and so nothing has it.
        InvalidTaskError: a moment has no zone.
    """

    ids: Sequence[int] = ()
    status: Status | None = None
    queue: str | None = None
    function: str | None = None
    error: str | None = None
    older_than: datetime | None = None
    newer_than: datetime | None = None
    batch_id: int | None = None
    every: bool = False
    text: str | None = None
    worker_id: str | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what would mean all tasks by mistake, and what no task can have."""
        if self.is_filter and self.ids:
            raise ConfigurationError(
                "name tasks by their ids or by what they have in common, not by both",
                hint="Give ids or filters.",
            )
        if not (self.is_filter or self.ids):
            raise ConfigurationError(
                "no tasks are named",
                hint="Give ids, or --status, --queue, --function, --error, --batch, --older-than, "
                "--newer-than, or --all.",
            )
        for name in ("queue", "function", "error", "text", "worker_id"):
            value: object = getattr(self, name)
            if value is not None:
                payload.check_text(value, what=name)
        for name in ("older_than", "newer_than", "created_since", "created_until"):
            if (moment := getattr(self, name)) is not None:
                check_moment(name, moment)

    @property
    def is_filter(self) -> bool:
        """Whether anything but ids is given."""
        return self.every or any(
            value is not None
            for value in (
                self.status,
                self.queue,
                self.function,
                self.error,
                self.older_than,
                self.newer_than,
                self.batch_id,
                self.text,
                self.worker_id,
                self.created_since,
                self.created_until,
            )
        )

    def statuses(self, act: Act) -> Sequence[Status]:
        """The statuses that the tasks may have.

        Raises:
            ConfigurationError: the one that was asked for does not allow it.
        """
        if self.status is None:
            return FITTING[act] if self.ids else UNLESS_SAID[act]
        if self.status not in FITTING[act]:
            listed = ", ".join(FITTING[act])
            raise ConfigurationError(
                f"a task that is {self.status} cannot be handled by {act}",
                hint=f"Only these can: {listed}.",
            )
        return (self.status,)


class Refused(NamedTuple):
    """A task that was left as it is, and why, as the end of a sentence "task N …"."""

    task_id: TaskId
    why: str


NAMED_AT_MOST: Final = 20
"""Tasks that were left as they are and are told one by one; of more, only the number."""


@dataclass(slots=True)
class Done:
    """What became of many tasks. `refused` holds the first of those that were left as they are."""

    done: int = 0
    refused_count: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])

    def add(self, done: int, refused: Sequence[Refused]) -> None:
        """Some more were seen to."""
        self.done += done
        self.refused_count += len(refused)
        self.refused += refused[: max(0, NAMED_AT_MOST - len(self.refused))]


class NothingMatchedError(TaskNotFoundError):
    """No task is as was asked for."""

    hint = "List what there is with `jobrunner task list`."

    def __init__(self) -> None:
        """Nothing was changed."""
        super().__init__(0)
        self.args = ("no task matches",)
