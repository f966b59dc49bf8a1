"""One look at a queue that all tabs share, and how it is told to them."""

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from jobrunner.core.control_objects import counts_object
from jobrunner.core.insight import Changes, Cursor
from jobrunner.core.objects import moment
from jobrunner.core.worker import WorkerInfo, WorkerStatus

RATED_OVER: Final = 10.0
"""Seconds that rates are taken over."""

EVENT: Final = "changes"


@dataclass(frozen=True, slots=True)
class Rates:
    """How many tasks are stored and attempts end in a second, of late."""

    enqueued: float = 0.0
    ended: float = 0.0

    @property
    def is_any(self) -> bool:
        """Whether anything happens."""
        return self.enqueued > 0 or self.ended > 0


@dataclass(frozen=True, slots=True)
class Alive:
    """The workers that have not ended: how many, what they run at a time, how many rest."""

    alive: int = 0
    slots: int = 0
    paused: int = 0

    @classmethod
    def of(cls, workers: Sequence[WorkerInfo]) -> "Alive":
        """Those whose rows say that they live."""
        return cls(
            alive=len(workers),
            slots=sum(one.concurrency for one in workers if one.status is WorkerStatus.RUNNING),
            paused=sum(one.paused_at is not None for one in workers),
        )


@dataclass(frozen=True)
class Update:
    """What a look has found."""

    at: datetime
    changes: Changes
    workers: Alive
    rates: Rates = field(default_factory=Rates)

    @property
    def state(self) -> object:
        """What differs if there is anything to tell."""
        return self.changes.cursor, self.changes.counts, self.workers, self.rates

    def as_object(self, *, is_cut: bool = False) -> dict[str, Any]:
        """As JSON can hold it; with `is_cut` something was left out before it."""
        found = self.changes
        return {
            "cursor": str(found.cursor),
            "at": moment(self.at),
            "counts": counts_object(found.counts),
            "lags": found.lags,
            "rates": {name: round(rate, 2) for name, rate in asdict(self.rates).items()},
            "workers": asdict(self.workers),
            "enqueued": [asdict(one) for one in found.enqueued],
            "ended": [asdict(one) | {"ended_at": moment(one.ended_at)} for one in found.ended],
            "is_cut": found.is_cut or is_cut,
        }

    @cached_property
    def event(self) -> bytes:
        """As a stream tells it: made once, whoever listens."""
        return self._event(self.as_object())

    @cached_property
    def cut_event(self) -> bytes:
        """The same for whoever was not told of those before."""
        return self._event(self.as_object(is_cut=True))

    def _event(self, told: dict[str, Any]) -> bytes:
        # ASCII without line ends: nothing in it ends the event.
        data = json.dumps(told, allow_nan=False, separators=(",", ":"))
        return f"id: {told['cursor']}\nevent: {EVENT}\ndata: {data}\n\n".encode()


class Speedometer:
    """Rates by how far the cursor has moved, which costs no look at the tables.

    On a server ids may be skipped, and then it tells a little too much.
    """

    def __init__(self) -> None:
        """Nothing has moved yet."""
        self._passed: deque[tuple[float, Cursor]] = deque()

    def rates(self, at: float, cursor: Cursor) -> Rates:
        """The rates at a count of seconds, when the cursor is there."""
        passed = self._passed
        passed.append((at, cursor))
        while len(passed) > 1 and passed[1][0] <= at - RATED_OVER:
            passed.popleft()
        began, before = passed[0]
        # What was seen after a silence has happened at its end.
        seconds = min(max(at - began, 1.0), RATED_OVER)
        return Rates(
            max(0, cursor.task_id - before.task_id) / seconds,
            max(0, cursor.attempt_id - before.attempt_id) / seconds,
        )

    def forget(self) -> None:
        """Begin anew: nobody has looked for a while."""
        self._passed.clear()


def newest(changes: Changes, few: int) -> Changes:
    """No more of each kind than a few."""
    if len(changes.enqueued) <= few and len(changes.ended) <= few:
        return changes
    enqueued, ended = changes.enqueued[-few:], changes.ended[-few:]
    return replace(changes, enqueued=enqueued, ended=ended, is_cut=True)


def nothing_of(changes: Changes) -> Changes:
    """Where things stand, without what has happened."""
    return replace(changes, enqueued=(), ended=(), is_cut=False)
