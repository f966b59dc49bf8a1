"""How long a slot stands empty between two runs while something waits: what each run costs more."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from jobrunner.core.estimate import rank


class SlotRun(NamedTuple):
    """One run of a worker; moments are in microseconds."""

    worker_id: str
    ready_at: int
    started_at: int
    ended_at: int


def pause(runs: Iterable[SlotRun]) -> float:
    """Seconds from the end of a run to the next start on its worker: the median.

    Only of what was ready by that end: to wait for work is no cost of it. 0 where none was.
    """
    by_worker: defaultdict[str, list[SlotRun]] = defaultdict(list)
    for run in runs:
        by_worker[run.worker_id].append(run)
    pauses: list[float] = []
    for own in by_worker.values():
        own.sort(key=lambda run: run.started_at)
        starts = [run.started_at for run in own]
        for run in own:
            at = bisect_right(starts, run.ended_at)
            if at < len(own) and own[at].ready_at <= run.ended_at:
                pauses.append((own[at].started_at - run.ended_at) / 1e6)
    return rank(sorted(pauses), 50) if pauses else 0.0
