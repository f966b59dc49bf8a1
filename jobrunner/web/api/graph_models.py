"""What answers hold, as OpenAPI tells it: graphs of tasks, timelines of workers."""

from typing import Literal

from jobrunner.web.api.kinds import StatusWord
from jobrunner.web.api.models import At, Shown


class NodeShown(Shown):
    """A task of a graph; `run_s` is what its last attempt took if it completed or failed."""

    id: int
    name: str
    status: StatusWord
    started_at: At | None
    finished_at: At | None
    run_s: float | None


class EdgeShown(Shown):
    """The dependent waits for the parent."""

    parent: int
    dependent: int
    on_failure: Literal["cancel", "run", "only"]


class GraphShown(Shown):
    """Tasks that depend on each other; if `is_cut`, there are more.

    `critical` is the critical path: of all chains the one whose tasks ran longest, `critical_s`
    seconds together.
    """

    nodes: list[NodeShown]
    edges: list[EdgeShown]
    is_cut: bool
    critical: list[int]
    critical_s: float


class BarShown(Shown):
    """One attempt; one that runs has the outcome `running` and no end."""

    task_id: int
    name: str
    outcome: str
    started_at: At
    ended_at: At | None


class LaneShown(Shown):
    """What one slot of a worker ran, oldest first; `lost_at` is its last sign of life."""

    worker_id: str
    slot: int
    host: str | None
    pid: int | None
    status: Literal["running", "stopping", "stopped", "lost"] | None
    lost_at: At | None
    bars: list[BarShown]


class TimelineShown(Shown):
    """Lanes, the worker that started first on top; if `is_cut`, older attempts are left out."""

    since: At
    until: At
    lanes: list[LaneShown]
    is_cut: bool
