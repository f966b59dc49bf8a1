"""What answers hold, as OpenAPI tells it: tasks and what has become of them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from jobrunner.web.api.kinds import StatusWord

At = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-12-01T09:00:00.000000Z"])
]
"""A moment in UTC, to the microsecond."""


class Shown(BaseModel):
    """An object of `core.objects`; a test holds each model to it."""

    model_config = ConfigDict(extra="forbid")


class ProgressShown(Shown):
    """How far a running attempt says it is."""

    done: float
    total: float | None
    note: str | None


class TaskShown(Shown):
    """A task, without its history. Spans are seconds."""

    id: int
    description: str
    status: StatusWord
    created_at: At
    queue: str
    function: str | None
    command: list[str] | None
    cwd: str | None
    args: list[Any]
    kwargs: dict[str, Any]
    priority: int
    attempt: int
    max_attempts: int
    crashes: int
    timeout: float | None
    run_at: At
    started_at: At | None
    finished_at: At | None
    cancel_requested_at: At | None
    worker_id: str | None
    progress: ProgressShown | None
    result: Any
    error: str | None
    after: list[int]
    concurrency_key: str | None
    needs: dict[str, float]
    unique_key: str | None
    expires_at: At | None
    batch_id: int | None


class StoredShown(TaskShown):
    """A task as it was stored, or found: `is_duplicate` where it was there already."""

    is_duplicate: bool


class ManyShown(Shown):
    """The ids of many tasks, in the order of the request, and by the refs of those that had one.

    With `full`, also the tasks.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": [7, 8], "by_ref": {"get": 7}}]}
    )

    ids: list[int]
    by_ref: dict[str, int]
    tasks: list[StoredShown] | None = None


class AttemptShown(Shown):
    """One attempt that has ended."""

    number: int
    worker_id: str
    ready_at: At
    started_at: At
    ended_at: At
    outcome: str
    error: str | None
    exit_code: int | None
    cpu_s: float | None
    peak_memory: Annotated[int | None, Field(description="Bytes.")]


class LogShown(AttemptShown):
    """One attempt with what it left behind."""

    stdout: str | None
    stderr: str | None
    traceback: str | None


class TransitionShown(Shown):
    """What happened to a task: `was` is null of one that was stored, `status` once it is deleted.

    `what` is `enqueued`, `unblocked`, `due`, `started`, the outcome of an attempt, or an act such
    as `retried`; `detail` is its error, its reason, or what was changed.
    """

    task_id: int
    at: At
    what: str
    was: StatusWord | None
    status: StatusWord | None
    attempt: int | None
    worker_id: str | None
    detail: str | None


class MoreShown(Shown):
    """What a stream holds behind an offset, and where it goes on; both in characters."""

    text: str
    offset: int


class WrittenShown(Shown):
    """What one attempt has written: so far or, where there is an `outcome`, for good.

    `run` is how many attempts had ended before it; it is null where none has begun.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 7,
                    "status": "in_progress",
                    "run": 0,
                    "number": 1,
                    "outcome": None,
                    "stdout": {"text": "12 of 40 pages\n", "offset": 180},
                    "stderr": {"text": "", "offset": 0},
                    "traceback": None,
                }
            ]
        }
    )

    id: int
    status: StatusWord
    run: int | None
    number: int | None
    outcome: str | None
    stdout: MoreShown
    stderr: MoreShown
    traceback: str | None


class ResultShown(Shown):
    """What a task returned: `result` is null until it has completed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": 7, "status": "completed", "result": {"pages": 3}, "error": None}]
        }
    )

    id: int
    status: StatusWord
    result: Any
    error: str | None


class HowFarShown(Shown):
    """How far a task is."""

    id: int
    status: StatusWord
    progress: ProgressShown | None


class StandingShown(Shown):
    """The status of a task after a call."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": 7, "status": "cancelled"}]})

    id: int
    status: StatusWord


class RetriedShown(StandingShown):
    """And the `ids` of all that run again with it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": 7, "status": "pending", "ids": [7, 9]}]}
    )

    ids: list[int]


class RefusedShown(Shown):
    """A task that was left as it is."""

    id: int
    why: str


class DoneShown(Shown):
    """What became of many tasks; `matched` is how many were meant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"matched": 12, "done": 0, "refused": 0, "first_refused": [], "dry_run": True}
            ]
        }
    )

    matched: int
    done: int
    refused: int
    first_refused: list[RefusedShown]
    dry_run: bool
