"""Sums of the history as a database adds them up, each over attempts that are alike."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

LOST: Final = "lost"


class RunCell(NamedTuple):
    """Attempts of a group that ended alike and ran equally long, to three digits: microseconds.

    What they took, seconds of CPU in all and the most bytes, is there if it is known of any.
    """

    group: str
    outcome: str
    run: int
    number: int
    total: int
    longest: int
    cpu_s: float | None = None
    peak_memory: int | None = None


class WaitCell(NamedTuple):
    """Attempts of a group that had waited equally long, likewise."""

    group: str
    wait: int
    number: int
    longest: int


class LostRun(NamedTuple):
    """An attempt that was lost with its worker."""

    group: str
    worker_id: str
    started_at: datetime
    ended_at: datetime


class WorkerCell(NamedTuple):
    """Attempts of a worker that ended alike: how many, microseconds in all, the last end."""

    worker_id: str
    outcome: str
    number: int
    total: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Sums:
    """What a database adds up of attempts, in the order of their groups.

    Cells of a group come one after the other; lost runs by worker, the first start first.
    """

    runs: Iterable[RunCell] = ()
    waits: Iterable[WaitCell] = ()
    lost: Iterable[LostRun] = ()


def lost_seconds(
    runs: Iterable[LostRun], until: Mapping[str, tuple[datetime, int]]
) -> Iterator[tuple[LostRun, float]]:
    """What lost attempts took: of each worker the first were running, others only claimed ahead.

    One that runs until its worker falls silent is not known to have run for longer.
    """
    seen: Counter[str] = Counter()
    for run in runs:
        end, slots = until.get(run.worker_id, (run.ended_at, 1))
        seen[run.worker_id] += 1
        ran = (min(end, run.ended_at) - run.started_at).total_seconds()
        yield run, max(0.0, ran) if seen[run.worker_id] <= slots else 0.0
