"""What pages draw: tasks with their dependencies, and lanes of workers' slots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, WorkerId
from jobrunner.core.worker import WorkerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNode:
    """A task of a graph; `run_s` is what its last attempt took if it completed or failed."""

    id: TaskId
    name: str
    status: Status
    started_at: datetime | None
    finished_at: datetime | None
    run_s: float | None


class TaskEdge(NamedTuple):
    """The dependent waits for the parent; `on_failure` is `cancel`, `run` or `only`."""

    parent: TaskId
    dependent: TaskId
    on_failure: str


@dataclass(frozen=True, slots=True)
class TaskGraph:
    """Tasks by id with the edges among them; if `is_cut`, there are more of either."""

    nodes: Sequence[TaskNode]
    edges: Sequence[TaskEdge]
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One attempt of a task; one that runs has the outcome `running` and no end."""

    task_id: TaskId
    name: str
    outcome: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What one slot of a worker ran, oldest first; no two of its bars overlap.

    `slot` counts from 0. Of a worker that is no more known, `host`, `pid` and `status` are `None`.
    `lost_at` is the last sign of life of a worker that was declared lost.
    """

    worker_id: WorkerId
    slot: int
    bars: Sequence[Bar]
    host: str | None = None
    pid: int | None = None
    status: WorkerStatus | None = None
    lost_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes, the worker that started first on top; if `is_cut`, older bars are left out."""

    lanes: Sequence[Lane]
    is_cut: bool = False
