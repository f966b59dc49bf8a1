"""One change of a task's status: when, from what to what, and by what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobrunner.core.objects import moment
from jobrunner.core.read_objects import at
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, WorkerId

ENQUEUED: Final = "enqueued"
UNBLOCKED: Final = "unblocked"
"""The last parent that it waited for has ended."""
DUE: Final = "due"
STARTED: Final = "started"
CANCELLED: Final = "cancelled"
EXPIRED: Final = "expired"
CANCEL_REQUESTED: Final = "cancel_requested"
"""Its worker was asked to stop it; the status is the same as before."""
RETRIED: Final = "retried"
REWOUND: Final = "rewound"
UPDATED: Final = "updated"
REPLACED: Final = "replaced"
"""A later task of its unique key took its place, in its row."""
DELETED: Final = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What happened to a task, and how it stood before and after: `was`, `status`.

    `what` is one of the words above, or the outcome of an attempt: see `core.outcome.NAMES`.
    `was` is `None` of a task that was stored, `status` of one that was deleted. `attempt` and
    `worker_id` are those of the attempt, if it was one; `detail` is the error, the reason, or
    what was changed.
    """

    task_id: TaskId
    at: datetime
    what: str
    was: Status | None
    status: Status | None
    attempt: int | None = None
    worker_id: WorkerId | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A transition among those of other tasks; of a task that is gone only the id is known."""

    transition: Transition
    name: str
    queue: str


def transition_object(one: Transition) -> dict[str, Any]:
    """As JSON."""
    return {
        "task_id": one.task_id,
        "at": moment(one.at),
        "what": one.what,
        "was": one.was and one.was.value,
        "status": one.status and one.status.value,
        "attempt": one.attempt,
        "worker_id": one.worker_id,
        "detail": one.detail,
    }


def happening_object(one: Happening) -> dict[str, Any]:
    """As JSON, with the name and the queue of its task."""
    return transition_object(one.transition) | {"name": one.name, "queue": one.queue}


def transition_of(told: Mapping[str, Any]) -> Transition:
    """Read back what `transition_object` has made."""
    was, status = told["was"], told["status"]
    return Transition(
        task_id=TaskId(told["task_id"]),
        at=at(told["at"]),
        what=told["what"],
        was=None if was is None else Status(was),
        status=None if status is None else Status(status),
        attempt=told["attempt"],
        worker_id=told["worker_id"],
        detail=told["detail"],
    )
