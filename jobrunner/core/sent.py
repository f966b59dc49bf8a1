"""Events that tasks wait for: as they were sent, and as they are waited for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobrunner.core import fields, payload
from jobrunner.core.task import TaskId

LONGEST_NAME: Final = 500
"""Characters of a name: it stands in indexes."""


def check_name(name: object, *, what: str = "event") -> str:
    """Accept the name of an event or of a step.

    Raises:
        InvalidTaskError: it is empty, too long, or no text that can be stored.
    """
    told = payload.check_text(name, what=what)
    if not 0 < len(told) <= LONGEST_NAME:
        raise fields.invalid(what, f"must have from 1 to {LONGEST_NAME} characters")
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEvent:
    """An event as it was sent last; `task_id` is `None` for one that is for all tasks."""

    name: str
    task_id: TaskId | None
    payload: Any
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWait:
    """A task that waits for an event, since when, and until when if not for ever."""

    name: str
    task_id: TaskId
    since: datetime
    until: datetime | None
