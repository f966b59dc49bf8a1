"""What is stored of a task's past, and the steps that it is replayed to.

Moments are in microseconds since the epoch, as they are stored: very many tasks are replayed to
count how they once stood.
"""

from typing import NamedTuple

from jobrunner.core.status import Status


class Row(NamedTuple):
    """A task as it is. `unblocked_at` is since when it waits for no other, if it ever did."""

    id: int
    status: Status
    attempt: int
    created_at: int
    run_at: int
    unblocked_at: int | None
    started_at: int | None
    finished_at: int | None
    worker_id: str | None
    error: str | None


class Run(NamedTuple):
    """An attempt that has ended."""

    id: int
    task_id: int
    number: int
    worker_id: str
    ready_at: int
    started_at: int
    ended_at: int
    outcome: str
    error: str | None


class Act(NamedTuple):
    """What was written down of a task besides its attempts, with what its row said before.

    `last_attempt` is the id of its newest attempt then, 0 for none: that is the order of the two,
    whatever the clocks say.
    """

    id: int
    task_id: int
    at: int
    what: str
    was: Status
    status: Status | None
    run_at: int
    unblocked_at: int | None
    last_attempt: int
    detail: str | None


Source = tuple[str, int] | None
"""The row that tells of a step: `task`, `attempt` or `act` and its id; `None` for what the row of
a task says of the present."""


class Step(NamedTuple):
    """One change, as `Transition` tells it to others."""

    at: int
    what: str
    was: Status | None
    status: Status | None
    source: Source
    attempt: int | None = None
    worker_id: str | None = None
    detail: str | None = None
