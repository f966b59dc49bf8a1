"""How long a slot stands empty between two runs while something waits: what each run costs more."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from jobrunner.core.estimate import rank

_BLOCK: Final = 40
"""So many runs of a worker are looked at together: meanwhile its slots are as many."""


class SlotRun(NamedTuple):
    """One run of a worker; moments are in microseconds.

    `is_limited` is one of a queue or a key that has limits: it may have waited for these.
    """

    worker_id: str
    ready_at: int
    started_at: int
    ended_at: int
    is_limited: bool = False


def pause(runs: Iterable[SlotRun]) -> float:
    """Seconds from the end of a run to the start of the next in its slot: the median.

    Only of what was ready by that end and under no limit: to wait for these is no cost of a run.
    0 where there was none.
    """
    by_worker: defaultdict[str, list[SlotRun]] = defaultdict(list)
    for run in runs:
        by_worker[run.worker_id].append(run)
    pauses: list[float] = []
    for own in by_worker.values():
        own.sort(key=lambda run: run.started_at)
        for at in range(0, len(own), _BLOCK):
            pauses += _pauses(own[at : at + _BLOCK])
    return rank(sorted(pauses), 50) if pauses else 0.0


def _pauses(block: Sequence[SlotRun]) -> Iterator[float]:
    """Where so many run at a time at most, it is the end of one that lets that many-th next start.

    To take the first start behind an end would tell too little where several slots are empty.
    """
    ends = sorted(run.ended_at for run in block)
    slots = max(at + 1 - bisect_right(ends, run.started_at) for at, run in enumerate(block))
    for ended_at, following in zip(ends, block[max(1, slots) :], strict=False):
        if following.ready_at <= ended_at and not following.is_limited:
            yield max(0, following.started_at - ended_at) / 1e6
