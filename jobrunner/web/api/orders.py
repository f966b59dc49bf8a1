"""What requests hold that act: on tasks, queues, workers, schedules, and events."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from jobrunner.core.crew import CONCURRENCY
from jobrunner.core.limits import MOST_AT_A_TIME, MOST_STARTS
from jobrunner.web.api.asked import TemplateAsked
from jobrunner.web.api.kinds import Asked, Id, Key, Span, StatusWord
from jobrunner.web.api.params import NO_NUL, Moment, Text
from jobrunner.web.limits import LARGEST_BATCH


class RetryAsked(Asked):
    """`downstream`: with all that depends on it. `failed_only`: of those, only what failed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"downstream": True}]})

    downstream: bool = False
    failed_only: bool = False


class BulkAsked(Asked):
    """Which tasks are meant: ids, or all that match; `all` asks for every one on purpose."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"function": "resize", "dry_run": True}]}
    )

    ids: Annotated[list[Id], Field(max_length=LARGEST_BATCH)] | None = None
    status: StatusWord | None = None
    queue: Text | None = None
    function: Text | None = None
    error: Annotated[Text | None, Field(description="A part of the text of the error.")] = None
    older_than: Moment | None = None
    newer_than: Moment | None = None
    batch_id: Id | None = None
    all: bool = False
    dry_run: Annotated[bool, Field(description="Only count them.")] = False


class LimitsAsked(Asked):
    """What is left out stays as it is; `null` lifts a limit. `rate` starts in `period` seconds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"concurrency": 4, "rate": 10, "period": 60}]}
    )

    concurrency: Annotated[int, Field(ge=1, le=MOST_AT_A_TIME)] | None = None
    rate: Annotated[int, Field(ge=1, le=MOST_STARTS)] | None = None
    period: Span | None = None


class ToWorkerAsked(Asked):
    """`crew`: the name is that of a crew, be it one of workers to come."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"crew": True}]})

    crew: bool = False


class ResizeAsked(ToWorkerAsked):
    """So many tasks at a time; `null` for as many as it was started with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"concurrency": 8}]})

    concurrency: Annotated[int, Field(ge=1, le=CONCURRENCY[-1])] | None = None


class ScheduleAsked(Asked):
    """A rule, `cron` or `every` so many seconds, and the task to be stored at each tick."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "nightly",
                    "cron": "0 2 * * *",
                    "tz": "Europe/Paris",
                    "task": {"function": "report"},
                }
            ]
        }
    )

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    cron: Text | None = None
    every: Span | None = None
    task: TemplateAsked
    tz: Text | None = None
    missed: Literal["skip", "one", "all"] | None = None
    missed_cap: Annotated[int, Field(ge=1, le=1_000)] | None = None
    overlap: Literal["allow", "skip", "queue"] | None = None
    anchor_at: Moment | None = None


class EventAsked(Asked):
    """An event, for one task or for all; `payload` is what they get, any JSON value."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "approved", "payload": {"by": "Ada"}}]}
    )

    name: Key
    payload: Any = None
    task_id: Id | None = None
