"""What answers hold, as OpenAPI tells it: series, failures, graphs, timelines, the audit log."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jobrunner.web.api.kinds import StatusWord
from jobrunner.web.api.models import At, Shown


class BucketShown(Shown):
    """Attempts that ended within a span of time from `at` on; means in seconds."""

    at: At
    completed: int
    failed: int
    other: int
    wait_s: float | None
    run_s: float | None


class SeriesShown(Shown):
    """How many attempts ended when; if `is_cut`, ask again: there was more to read."""

    buckets: list[BucketShown]
    is_cut: bool


class FailureShown(Shown):
    """Failed tasks whose errors say the same, in all but numbers, paths and the like."""

    fingerprint: str
    function: str | None
    error: str
    count: int
    last_at: At
    ids: list[int]


class NodeShown(Shown):
    """A task of a graph; `run_s` is what its last attempt took."""

    id: int
    name: str
    status: StatusWord
    started_at: At | None
    finished_at: At | None
    run_s: float | None


class ReasonShown(Shown):
    """One thing that is to say of it; `tasks` are some of those that have to do with it."""

    kind: Annotated[str, Field(examples=["limit"])]
    text: str
    hint: str
    is_blocking: bool
    at: At | None
    tasks: list[NodeShown]


class ExplanationShown(Shown):
    """Why a task does not run, the weightiest reason first; one that may has none that blocks."""

    task_id: int
    status: StatusWord
    is_runnable: bool
    reasons: list[ReasonShown]


class EdgeShown(Shown):
    """The dependent waits for the parent."""

    parent: int
    dependent: int
    on_failure: Literal["cancel", "run", "only"]


class GraphShown(Shown):
    """Tasks and their dependencies; `critical` are those of the path that took longest."""

    nodes: list[NodeShown]
    edges: list[EdgeShown]
    critical: list[int]
    is_cut: bool


class BarShown(Shown):
    """One attempt of a task; one that runs has the outcome `running` and no end."""

    task_id: int
    name: str
    outcome: str
    started_at: At
    ended_at: At | None


class LaneShown(Shown):
    """What one slot of a worker ran, oldest first; no two of its bars overlap."""

    worker_id: str
    slot: int
    host: str | None
    pid: int | None
    status: Literal["running", "stopping", "stopped", "lost"] | None
    lost_at: At | None
    bars: list[BarShown]


class TimelineShown(Shown):
    """Lanes, the worker that started first on top; if `is_cut`, older bars are left out."""

    since: At
    until: At
    lanes: list[LaneShown]
    is_cut: bool


class AuditShown(Shown):
    """One thing that was done over HTTP: `actor` is the name of a token."""

    id: int
    at: At
    actor: str
    action: str
    target: str
    detail: dict[str, Any]
