"""One page of the list of tasks: its rows, where it goes on either way, and how many match."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from jobrunner.core.insight import Counted, Found
from jobrunner.core.status import FINAL, Status
from jobrunner.core.task import Task
from jobrunner.task_queue import TaskQueue
from jobrunner.web.limits import PAGE
from jobrunner.web.pages.filters import Filter
from jobrunner.web.pages.shown import Shown

MOST: Final = 100_000
"""So many are counted; of more is said that they are more."""


class When(NamedTuple):
    """The moment that says most about a task, and what it is."""

    word: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """A task as the list shows it."""

    task: Task[Any]
    name: str
    error: str
    note: str
    when: When
    ran_s: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of tasks; the addresses are `None` where nothing is further on."""

    rows: list[Row]
    newer: str | None
    older: str | None
    is_cut: bool


class Tab(NamedTuple):
    """A status, with how many tasks of it match the rest of the filter."""

    title: str
    url: str
    number: str
    is_current: bool


def page_of(queue: TaskQueue, asked: Filter, before: int | None, after: int | None) -> Listed:
    """The tasks next below `before`, or next above `after`, or the newest.

    One goes by ids, which never change: no task is skipped, and none comes twice.
    """
    if asked.problems:
        return Listed([], None, None, is_cut=False)
    now = queue.clock.now()
    if after is not None:
        found = queue.insight.find_newer(asked.query, PAGE + 1, after)
        tasks = found[-PAGE:]
        newer = _further(found, tasks[0].id if tasks else None, found.next_after)
        older: int | None = tasks[-1].id if tasks else after + 1
    else:
        found = queue.insight.find(asked.query, PAGE + 1, before)
        tasks = found[:PAGE]
        older = _further(found, tasks[-1].id if tasks else None, found.next_before)
        newer = None if before is None else tasks[0].id if tasks else before - 1
    return Listed(
        [row_of(task, now) for task in tasks],
        None if newer is None else asked.url(after=newer),
        None if older is None else asked.url(before=older),
        found.is_cut,
    )


def _further(found: Found, last: int | None, beyond: int | None) -> int | None:
    """Where to go on: behind the last that is shown, or where the search had to stop."""
    return last if len(found) > PAGE else beyond if found.is_cut else None


def row_of(task: Task[Any], now: datetime) -> Row:
    """A task as the list shows it."""
    shown = Shown(task)
    error = shown.line(task.error, 200) if task.status is not Status.COMPLETED else ""
    note = shown.line(task.progress.note, 80) if task.progress else ""
    return Row(task, shown.name, error, note, when(task), ran(task, now))


def when(task: Task[Any]) -> When:
    """What happened to it last, or will happen next."""
    if task.status in FINAL:
        return When("ended", task.finished_at)
    if task.status is Status.IN_PROGRESS:
        return When("started", task.started_at)
    if task.status is Status.SCHEDULED:
        return When("starts", task.run_at)
    return When("ready", task.run_at) if task.status is Status.PENDING else When("waits", None)


def ran(task: Task[Any], now: datetime) -> float | None:
    """How long its last attempt took, or takes until now; in seconds."""
    if task.started_at is None or task.status not in {*FINAL, Status.IN_PROGRESS}:
        return None
    return max(0.0, ((task.finished_at or now) - task.started_at).total_seconds())


def tabs(queue: TaskQueue, asked: Filter) -> list[Tab]:
    """All tasks, and each status, counted as far as the rest of the filter lets them through."""
    counts = counts_of(queue, asked)
    number = sum(one.number for one in counts.values())
    is_more = any(one.is_capped for one in counts.values())
    everything = Tab(
        "All", asked.url(status=None), count_text(Counted(number, is_more)), not asked.query.status
    )
    return [
        everything,
        *(
            Tab(
                status.label.capitalize(),
                asked.url(status=status.value),
                count_text(counted),
                asked.query.status is status,
            )
            for status, counted in counts.items()
        ),
    ]


def counts_of(queue: TaskQueue, asked: Filter) -> Mapping[Status, Counted]:
    """How many tasks of each status match the rest of the filter."""
    rest = replace(asked.query, status=None)
    if asked.problems:
        return {status: Counted(0) for status in Status}
    if not rest.given:
        return {status: Counted(number) for status, number in queue.insight.counts().items()}
    return {status: queue.insight.count(replace(rest, status=status), MOST) for status in Status}


def count_text(counted: Counted) -> str:
    """A number with its thousands apart, and a plus where there are more."""
    return f"{counted.number:,}{'+' if counted.is_capped else ''}"
