"""What a database adds up of attempts, added up one by one: what its sums are compared with."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from jobrunner.core.sums import LostRun, RunCell, Sums, WaitCell, WorkerCell

MICROSECOND = timedelta(microseconds=1)


class Attempt(NamedTuple):
    """One attempt of the history."""

    name: str
    worker_id: str
    outcome: str
    ready_at: datetime
    started_at: datetime
    ended_at: datetime
    queue: str = "default"

    @property
    def ran(self) -> int:
        return max(0, (self.ended_at - self.started_at) // MICROSECOND)

    @property
    def waited(self) -> int:
        return max(0, (self.started_at - self.ready_at) // MICROSECOND)


Key = Callable[[Attempt], str]


def three(span: int) -> int:
    """Rounded down to three digits."""
    digits = max(len(str(span)) - 3, 0)
    return span // 10**digits * 10**digits


def sums(rows: Sequence[Attempt], key: Key = lambda row: row.name) -> Sums:
    """The sums of these attempts, group by group."""
    runs: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    waits: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in rows:
        runs[key(row), row.outcome, three(row.ran)].append(row.ran)
        waits[key(row), three(row.waited)].append(row.waited)
    lost = sorted(
        (row for row in rows if row.outcome == "lost"),
        key=lambda row: (row.worker_id, row.started_at),
    )
    return Sums(
        runs=[RunCell(*at, len(of), sum(of), max(of)) for at, of in sorted(runs.items())],
        waits=[WaitCell(*at, len(of), max(of)) for at, of in sorted(waits.items())],
        lost=[LostRun(key(row), row.worker_id, row.started_at, row.ended_at) for row in lost],
    )


def by_worker(rows: Iterable[Attempt]) -> list[WorkerCell]:
    """What each worker ended."""
    found: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for row in rows:
        found[row.worker_id, row.outcome].append(row)
    return [
        WorkerCell(*at, len(of), sum(row.ran for row in of), max(row.ended_at for row in of))
        for at, of in sorted(found.items())
    ]


def extent(rows: Sequence[Attempt]) -> tuple[datetime, datetime] | None:
    """The first start and the last end."""
    if not rows:
        return None
    return min(row.started_at for row in rows), max(row.ended_at for row in rows)
