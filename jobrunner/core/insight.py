"""What pages and pollers look at: read models, each as small as what is shown of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self, TypeVar, overload

from jobrunner.core import fields
from jobrunner.core.limits import Limits
from jobrunner.core.payload import check_text
from jobrunner.core.status import Status
from jobrunner.core.task import TASK_IDS, Task, TaskId, WorkerId

T = TypeVar("T")

RUNNING: Final = "running"
"""The outcome of a bar that has not ended."""

_CURSOR: Final = re.compile(r"t(0|[1-9][0-9]{0,18})-a(0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing(Sequence[T]):
    """Some of what there is, in order; `is_cut` says that not all was looked at."""

    items: tuple[T, ...]
    is_cut: bool = False

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...
    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        return self.items[at]


@dataclass(frozen=True, slots=True)
class Found(Listing[Task[Any]]):
    """Tasks, newest first. `next_before` is where to go on, `None` where nothing is left.

    If `is_cut`, the page may hold fewer than were asked for, or none, with more further on. Of a
    page that goes towards the newer ones, `next_after` is where to go on.
    """

    next_before: int | None = None
    next_after: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many match; if `is_capped`, that many or more."""

    number: int
    is_capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """Which tasks are looked for; what is `None` does not matter.

    `error` is part of the error, `text` of the description, the function or the command. In
    `error` upper and lower case count, as for `bulk`; in `text` they do not, in a file only for
    letters outside ASCII. `created_until` itself is left out.

    Raises:
        PayloadError: a text that no database can hold.
        InvalidTaskError: a moment without a time zone.
    """

    status: Status | None = None
    queue: str | None = None
    function: str | None = None
    batch_id: int | None = None
    worker_id: str | None = None
    error: str | None = None
    text: str | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("queue", "function", "worker_id", "error", "text"):
            if (value := getattr(self, name)) is not None:
                check_text(value, what=name)
        for name in ("created_since", "created_until"):
            if (moment := getattr(self, name)) is not None:
                fields.check_moment(name, moment)

    @property
    def given(self) -> frozenset[str]:
        """The names of what does matter."""
        return frozenset(name for name in self.__slots__ if getattr(self, name) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Attempts that ended within a span of time from `at` on; means in seconds, if there are any.

    `failed` are those of `report.FAILURES`; `other` were snoozed, released, lost and the like.
    """

    at: datetime
    completed: int = 0
    failed: int = 0
    other: int = 0
    wait_s: float | None = None
    run_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failed tasks with errors that differ in numbers, paths and the like only, newest first.

    `error` is that of the newest; `function` is `None` for commands.
    """

    fingerprint: str
    function: str | None
    error: str
    count: int
    last_at: datetime
    ids: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueBacklog:
    """What waits and runs in a queue. `oldest_pending_at` is since when its head waits."""

    name: str
    pending: int
    in_progress: int
    oldest_pending_at: datetime | None
    paused_at: datetime | None
    limits: Limits

    @property
    def is_paused(self) -> bool:
        """Whether no more of it is started."""
        return self.paused_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpan:
    """One run of a function: how long it took, in seconds, and how it ended."""

    task_id: TaskId
    outcome: str
    started_at: datetime
    run_s: float


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far somebody has been told: the last task and the last attempt. As text `t12-a34`."""

    task_id: int = 0
    attempt_id: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form.

        Raises:
            InvalidTaskError: it is none.
        """
        found = _CURSOR.fullmatch(text)
        numbers = [int(number) for number in found.groups()] if found else [-1]
        if not all(number == 0 or number in TASK_IDS for number in numbers):
            raise fields.invalid("cursor", f"must look like t12-a34, not {fields.shown(text)}")
        return cls(*numbers)

    def __str__(self) -> str:
        return f"t{self.task_id}-a{self.attempt_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued:
    """A task that was stored."""

    id: TaskId
    name: str
    queue: str
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedAttempt:
    """An attempt that ended, and where its task stands now."""

    task_id: TaskId
    name: str
    status: Status
    worker_id: WorkerId
    number: int
    outcome: str
    ended_at: datetime
    run_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened behind a cursor, oldest first, and the cursor to ask with next.

    If `is_cut`, there was more, and these are the newest. The counts are of now, unless `lags`:
    then they are a little older than the rest, and whoever shows them asks again in a second.
    """

    cursor: Cursor
    enqueued: Sequence[Enqueued]
    ended: Sequence[EndedAttempt]
    counts: Mapping[Status, int] = field(default_factory=dict[Status, int])
    is_cut: bool = False
    lags: bool = False
