"""The seven statuses of a task and the moves between them."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a task stands. The values are what the database, JSON and pages show."""

    BLOCKED = "blocked"
    SCHEDULED = "scheduled"
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """The status in words, as people read it: `In Progress`."""
        return _LABELS[self]

    @property
    def is_final(self) -> bool:
        """Whether nothing but a retry by hand moves the task again."""
        return self in FINAL


_LABELS: Final = {status: status.value.replace("_", " ").title() for status in Status}
FINAL: Final = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
OPEN: Final = frozenset(Status) - FINAL
TO_CLAIM: Final = frozenset({Status.PENDING, Status.SCHEDULED})
"""Where somebody may wait for a task, be it to wait for its time."""

TRANSITIONS: Final[dict[tuple[Status | None, Status], str]] = {
    (None, Status.PENDING): "enqueued, ready to run",
    (None, Status.SCHEDULED): "enqueued with a delay",
    (None, Status.BLOCKED): "enqueued behind open parents",
    (None, Status.CANCELLED): "enqueued behind a parent that has failed or was cancelled",
    (Status.BLOCKED, Status.PENDING): "the last open parent has ended",
    (Status.BLOCKED, Status.SCHEDULED): "the last open parent has ended, and its own time is ahead",
    (
        Status.BLOCKED,
        Status.CANCELLED,
    ): "a parent failed or was cancelled, a person cancelled it, or it expired",
    (Status.SCHEDULED, Status.PENDING): "its time has come (promote), or a person moved its time",
    (Status.SCHEDULED, Status.CANCELLED): "a person cancelled it, or it expired",
    (Status.PENDING, Status.IN_PROGRESS): "a worker claimed it",
    (
        Status.PENDING,
        Status.SCHEDULED,
    ): "a person put it off, or a later one of its unique key did",
    (Status.PENDING, Status.CANCELLED): "a person cancelled it, or it expired",
    (Status.IN_PROGRESS, Status.COMPLETED): "it returned",
    (Status.IN_PROGRESS, Status.SCHEDULED): "it is retried, was snoozed, or waits for an event",
    (Status.IN_PROGRESS, Status.PENDING): "it was given back at shutdown, or its worker was lost",
    (Status.IN_PROGRESS, Status.FAILED): "its attempts or its crash limit are spent",
    (Status.IN_PROGRESS, Status.CANCELLED): "it cancelled itself, or a person cancelled it",
    (Status.FAILED, Status.PENDING): "a person retried it",
    (Status.FAILED, Status.BLOCKED): "a person retried it while a parent is open again",
    (Status.CANCELLED, Status.PENDING): "a person retried it",
    (Status.CANCELLED, Status.BLOCKED): "a person retried it while a parent is open again",
    (Status.CANCELLED, Status.SCHEDULED): "a person rewound it, and its time is ahead",
    (Status.COMPLETED, Status.PENDING): "a person rewound it",
    (Status.COMPLETED, Status.BLOCKED): "a person rewound it or a parent of it",
    (Status.PENDING, Status.BLOCKED): "a person rewound a parent of it",
    (Status.SCHEDULED, Status.BLOCKED): "a person rewound a parent of it",
}
"""Every move a task can make, `None` being "not stored yet", with its reason."""
