"""What a task has been through: its statuses, one after the other, and how long each took."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobrunner.core.history import AttemptRecord
from jobrunner.core.outcome import label
from jobrunner.core.status import Status
from jobrunner.core.task import Task

WIDE: Final = 1000
"""Units that a drawing is wide."""

THIN: Final = 3
"""Units that even the shortest chapter is wide."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A while in which nothing changed. `kind` is a status or an outcome; it may go on."""

    kind: str
    title: str
    since: datetime
    until: datetime
    is_open: bool = False

    @property
    def seconds(self) -> float:
        """How long it took, or takes until now."""
        return max(0.0, (self.until - self.since).total_seconds())


@dataclass(frozen=True, slots=True)
class Block:
    """A chapter as a drawing shows it."""

    kind: str
    title: str
    x: float
    width: float


def story(task: Task[Any], attempts: Sequence[AttemptRecord], now: datetime) -> list[Chapter]:
    """The chapters, oldest first; `attempts` are the oldest first too, maybe not all of them."""
    at = task.created_at
    told: list[Chapter] = []
    if attempts and attempts[0].number > 1:
        told += _chapter("other", "Earlier attempts", at, attempts[0].ready_at)
        at = max(at, attempts[0].ready_at)
    for one in attempts:
        told += _until_ready(one.ready_at, at, is_first=not told)
        told += _chapter("pending", "Waited for a worker", max(at, one.ready_at), one.started_at)
        title = f"Attempt {one.number}, {label(one.outcome)}"
        told.append(Chapter(one.outcome, title, one.started_at, one.ended_at))
        at = one.ended_at
    return told + list(_now(task, at, now, is_first=not told))


def _until_ready(ready_at: datetime, at: datetime, *, is_first: bool) -> Iterable[Chapter]:
    title = "Waited for its time or for other tasks" if is_first else "Waited for the next attempt"
    return _chapter("scheduled", title, at, ready_at)


def _now(task: Task[Any], at: datetime, now: datetime, *, is_first: bool) -> Iterator[Chapter]:
    """What has gone on since the last attempt."""
    if task.status is Status.IN_PROGRESS:
        started = max(at, task.started_at or now)
        ready = min(max(at, task.run_at), started)
        yield from _until_ready(ready, at, is_first=is_first)
        yield from _chapter("pending", "Waited for a worker", ready, started)
        yield Chapter("in_progress", f"Attempt {task.attempt}, running", started, now, is_open=True)
    elif not task.status.is_final:
        yield Chapter(task.status.value, task.status.label, at, max(at, now), is_open=True)
    elif task.status is Status.CANCELLED and task.finished_at is not None:
        yield from _chapter("cancelled", "Until it was cancelled", at, task.finished_at)


def _chapter(kind: str, title: str, since: datetime, until: datetime) -> list[Chapter]:
    return [Chapter(kind, title, since, until)] if until > since else []


def drawn(chapters: Sequence[Chapter]) -> list[Block]:
    """The chapters side by side, each as wide as it was long."""
    whole = sum(one.seconds for one in chapters) or 1.0
    room = WIDE - THIN * len(chapters)
    x = 0.0
    blocks: list[Block] = []
    for one in chapters:
        width = THIN + max(0.0, room) * one.seconds / whole
        blocks.append(Block(one.kind, one.title, round(x, 2), round(width, 2)))
        x += width
    return blocks
