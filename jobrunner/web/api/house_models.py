"""What answers hold, as OpenAPI tells it: queues, workers, schedules, batches, reports."""

from typing import Annotated, Any, Literal

from pydantic import Field

from jobrunner.core.report import By
from jobrunner.web.api.kinds import StatusWord
from jobrunner.web.api.models import At, Shown, TaskShown

Counts = dict[StatusWord, int]


class LimitsShown(Shown):
    """Limits that hold: at most `concurrency` at a time, `rate` starts in `period` seconds."""

    name: str
    concurrency: int | None
    rate: int | None
    period: float | None


class QueueShown(LimitsShown):
    """A queue: its tasks by status, whether it is paused, its limits."""

    paused_at: At | None
    tasks: Counts


class PauseShown(Shown):
    """Whether something is paused now, and whether that is new."""

    name: str
    paused: bool
    changed: bool


class KeyShown(LimitsShown):
    """A concurrency key, or a rule for many."""

    is_rule: bool
    running: int
    waiting: int


class WorkerShown(Shown):
    """One start of one worker."""

    id: str
    host: str
    pid: int
    executor: str
    concurrency: int
    queues: list[str]
    offers: dict[str, float]
    status: Literal["running", "stopping", "stopped", "lost"]
    started_at: At
    seen_at: At
    stopped_at: At | None
    error: str | None
    crew: str
    paused_at: At | None
    wanted: int | None
    stop_requested_at: At | None


class CrewShown(Shown):
    """What holds for all workers of a name, those to come too."""

    name: str
    paused_at: At | None
    concurrency: int | None


class ToldShown(Shown):
    """Who a word has reached."""

    crews: list[CrewShown]
    workers: list[WorkerShown]


class ScheduleShown(Shown):
    """A schedule; `task` holds what differs from what a task is by itself."""

    name: str
    cron: str | None
    every: float | None
    tz: str
    in_words: str
    anchor_at: At
    missed: Literal["skip", "one", "all"]
    missed_cap: int
    overlap: Literal["allow", "skip", "queue"]
    task: dict[str, Any]
    next_at: At | None
    paused_at: At | None
    created_at: At
    error: str | None


class TickShown(Shown):
    """One firing; `task_id` is null where it was skipped, `status` where its task is gone."""

    tick_at: At
    fired_at: At
    task_id: int | None
    status: StatusWord | None


class WholeScheduleShown(ScheduleShown):
    """A schedule with its next ticks and its last ones."""

    upcoming: list[At]
    ticks: list[TickShown]


class BatchShown(Shown):
    """A batch: how many of its members have which status, and the ids of its callbacks."""

    id: int
    description: str
    created_at: At
    on_success: int | None
    on_failure: int | None
    on_end: int | None
    ended: bool
    tasks: Counts


class SpreadShown(Shown):
    """Quantiles, in seconds."""

    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class GroupReportShown(Shown):
    """The attempts of a function or a command's program, of a queue, of a worker, of an hour."""

    name: str
    count: int
    completed: int
    failed: int
    lost: int
    busy_s: float
    wasted_s: float
    wait_s: SpreadShown
    run_s: SpreadShown
    cpu_s: float | None
    peak_memory: int | None


class WorkerReportShown(Shown):
    """One worker; efficiency is busy seconds / (alive seconds x concurrency)."""

    id: str
    host: str
    pid: int
    executor: str
    concurrency: int
    status: Literal["running", "stopping", "stopped", "lost"]
    completed: int
    failed: int
    lost: int
    busy_s: float
    wasted_s: float
    alive_s: float
    efficiency: float


class ReportShown(Shown):
    """Task completion and worker efficiency."""

    schema_: Annotated[int, Field(alias="schema")]
    tasks: dict[str, int]
    attempts: dict[str, int]
    elapsed_s: float
    throughput_per_s: float
    wait_s: SpreadShown
    run_s: SpreadShown
    busy_s: float
    wasted_s: dict[str, float]
    efficiency: float
    functions: list[GroupReportShown]
    workers: list[WorkerReportShown]
    by: By | None
    groups: list[GroupReportShown]


class SystemShown(Shown):
    """What is going on now: counts, the newest running tasks, the workers that have not ended."""

    schema_: Annotated[int, Field(alias="schema")]
    tasks: dict[str, int]
    oldest_pending_s: float | None
    oldest_pending_at: At | None
    running: list[TaskShown]
    workers: list[WorkerShown]


class SentShown(Shown):
    """An event that was sent; `woken` is how many tasks start again for it."""

    name: str
    task_id: int | None
    woken: int
