"""What the model has seen of each task, against the history that is told of it."""

import itertools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hypothesis.stateful import invariant

from jobrunner.core.past import Step
from jobrunner.core.replay import status_at
from jobrunner.core.status import TRANSITIONS, Status
from jobrunner.core.task import TaskId
from jobrunner.storage.transitions import replayed
from jobrunner.storage.types import micros

TABLES = (
    "status_changes",
    "rewinds",
    "payloads",
    "progress",
    "attempts",
    "dependencies",
    "tasks",
    "workers",
)
"""What a model begins without."""

LATELY = 3
"""Moments whose statuses are remembered."""

OPEN = {Status.SCHEDULED, Status.PENDING, Status.IN_PROGRESS}
"""The rows say later than the history that one has come due, and sooner that one was claimed."""


class Lived:
    """Notes how the tasks stand after each step, whatever has led to it."""

    store: Any
    books: dict[TaskId, Any]

    def __init__(self) -> None:
        super().__init__()
        self.lived: dict[TaskId, list[Status]] = {}
        self.stood: dict[datetime, dict[TaskId, Status]] = {}

    @invariant()
    def promise_of_a_history_that_tells_all(self) -> None:
        ids = sorted(self.books)
        found = self.store.read(lambda transaction: [*replayed(transaction, ids)])
        self.stood[self.store.now] = {row.id: row.status for row, _ in found}
        self.stood = dict([*self.stood.items()][-LATELY:])
        for row, steps in found:
            told = [*moves(steps)]
            assert told[-1] is row.status
            seen = self.lived.setdefault(row.id, [])
            if seen[-1:] != [row.status]:
                seen.append(row.status)
            rest = iter(told)
            assert all(status in rest for status in seen), "it was told otherwise before"
            for moment, statuses in self.stood.items():
                known, then = statuses.get(row.id), status_at(steps, micros(moment))
                assert known is then or known is None or {known, then} <= OPEN


def moves(steps: list[Step]) -> Iterator[Status]:
    """The statuses of a history, each of which follows from the one before."""
    assert steps[0].was is None
    for one, following in itertools.pairwise([*steps, None]):
        assert one is not None
        if following is None or following.status is not one.status:
            assert one.status is not None
            yield one.status
        if following is not None:
            assert following.was is one.status
            moved = following.was, following.status
            assert following.status is one.status or moved in TRANSITIONS
