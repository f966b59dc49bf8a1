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


class Problem(BaseModel):
    """What is wrong, as RFC 9457 tells it. `type` is a stable name, `hint` what to do next."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:jobrunner:task-not-found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "there is no task 7",
                    "hint": "List what there is with `jobrunner task list`.",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    hint: str
