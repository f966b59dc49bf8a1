"""What the report as a document tells besides its numbers: when, how slow, why in vain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from jobrunner.core.account import Grouped
from jobrunner.core.insight_graph import Timeline
from jobrunner.core.report import WASTED, Report
from jobrunner.core.span import span_text
from jobrunner.core.task import TaskId

BUCKETS: Final = 100
"""At most so many of them, and one more, make up the time of the report."""

WIDTHS: Final = (
    *(base * 10**power for power in range(3, 6) for base in (1, 2, 5)),
    *(seconds * 10**6 for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * 60 * 10**6 for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * 3600 * 10**6 for hours in (1, 2, 3, 6, 12, 24, 48, 24 * 7)),
)
"""Microseconds that people count in."""


class Grid(NamedTuple):
    """Buckets of equal width, in microseconds since the epoch."""

    first: int
    width: int
    number: int

    @property
    def width_text(self) -> str:
        """The width for people."""
        if self.width < 10**6:
            return f"{self.width // 1000} ms"
        text = span_text(self.width / 1e6)
        return text.replace(".000", "").replace(".0 s", " s")


def grid(first: int, last: int) -> Grid:
    """Buckets from one moment to another, in microseconds since the epoch."""
    last = max(first, last)
    length = max(last - first, 1)
    longest = WIDTHS[-1]
    wide = next((width for width in WIDTHS if width * BUCKETS >= length), 0)
    width = wide or longest * -(-length // (longest * BUCKETS))
    begin = first // width * width
    return Grid(begin, width, (last - begin) // width + 1)


class Ends(NamedTuple):
    """How many attempts ended within a bucket."""

    completed: int = 0
    wasted: int = 0
    other: int = 0


class Spent(NamedTuple):
    """Seconds that went into attempts, by what came of them."""

    completed: float = 0.0
    wasted: float = 0.0
    other: float = 0.0

    def plus(self, kind: int, seconds: float) -> "Spent":
        """With so many more of a kind."""
        return Spent(*(one + seconds * (at == kind) for at, one in enumerate(self)))


KINDS: Final = Ends._fields
"""In this order: of `wasted` are those of `WASTED`, `other` were snoozed, released and the like."""


def kind_of(outcome: str) -> str:
    """Which of them an outcome is."""
    if outcome in ("completed", "cached"):
        return "completed"
    return "wasted" if outcome in WASTED else "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRuns:
    """Attempts that failed and whose errors say the same, but for numbers, paths and the like.

    `error` is that of the newest; `tasks` counts their tasks, `for_good` those that have failed.
    """

    name: str
    error: str
    outcomes: Mapping[str, int]
    tasks: int
    for_good: int
    first_at: datetime
    last_at: datetime
    ids: Sequence[TaskId]

    @property
    def count(self) -> int:
        """Of attempts."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRun:
    """One of the attempts that took longest; spans in seconds."""

    task_id: TaskId
    name: str
    queue: str
    worker_id: str
    number: int
    outcome: str
    started_at: datetime
    wait_s: float
    run_s: float


@dataclass(frozen=True, slots=True)
class Strip:
    """How busy a worker was in each bucket, of all its slots."""

    worker_id: str
    spent: Sequence[Spent]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDetail:
    """All that the report tells as a document.

    `grid` is `None` where nothing has run; `timeline` where too much has run to show each
    attempt: then `strips` tell how busy workers were. `failures_cut` says that only the newest
    were looked at.
    """

    database: str
    made_at: datetime
    since: datetime | None
    report: Report
    functions: Sequence[Grouped]
    queues: Sequence[Grouped]
    extent: tuple[datetime, datetime] | None
    grid: Grid | None
    ends: Sequence[Ends]
    timeline: Timeline | None
    strips: Sequence[Strip]
    failures: Sequence[FailedRuns]
    failures_cut: bool
    slowest: Sequence[SlowRun]


class StripCell(NamedTuple):
    """Attempts of a worker that began in one bucket and ended in another, and came to the same.

    `starts` and `ends` are sums of microseconds since the first bucket.
    """

    worker_id: str
    kind: int
    first: int
    last: int
    number: int
    starts: int
    ends: int


def strips(cells: Iterable[StripCell], grid: Grid) -> list[Strip]:
    """Put the time of attempts into the buckets that they ran in."""
    found: dict[str, list[Spent]] = {}
    for cell in cells:
        spent = found.setdefault(cell.worker_id, [Spent()] * grid.number)
        for at, micros in _shares(cell, grid.width):
            if 0 <= at < grid.number:
                spent[at] = spent[at].plus(cell.kind, micros / 1e6)
    return [Strip(worker_id, spent) for worker_id, spent in found.items()]


def _shares(cell: StripCell, width: int) -> Iterable[tuple[int, int]]:
    """Microseconds by bucket: exact, as the sums of all starts and of all ends are."""
    if cell.first >= cell.last:
        yield cell.first, cell.ends - cell.starts
        return
    yield cell.first, cell.number * (cell.first + 1) * width - cell.starts
    for at in range(cell.first + 1, cell.last):
        yield at, cell.number * width
    yield cell.last, cell.ends - cell.number * cell.last * width
