"""What requests hold of tasks: the same names as the lines of `jobrunner enqueue --from`."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from jobrunner.web.api.kinds import (
    Asked,
    Attempts,
    Folder,
    Function,
    Id,
    Key,
    LongText,
    Priority,
    QueueText,
    Ref,
    Seconds,
    Span,
    WhileWord,
    Word,
)
from jobrunner.web.api.params import Moment, Text
from jobrunner.web.limits import LARGEST_BATCH


class UniqueRule(Asked):
    """At most one task of a kind; see `docs/unique.md`."""

    key: Key | None = None
    by: list[Text] | None = None
    within: Span | None = None
    in_: Annotated[
        list[WhileWord] | WhileWord | None,
        Field(alias="in"),
    ] = None
    on_conflict: Literal["error", "ignore", "replace"] | None = None
    max_wait: Span | None = None


class CacheRule(Asked):
    """When the result of an equal task before is as good as a run; see `docs/cache.md`."""

    inputs: list[Key] | None = None
    outputs: list[Key] | None = None
    version: Text | None = None


class TemplateAsked(Asked):
    """A task as a schedule stores it again and again: a function's name, or a command."""

    function: Function | None = None
    command: Annotated[list[Word], Field(min_length=1)] | None = None
    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None
    queue: QueueText | None = None
    priority: Priority | None = None
    description: LongText | None = None
    delay: Annotated[Seconds | None, Field(description="Seconds from now.")] = None
    expires_in: Annotated[Span | None, Field(description="Not started after so many.")] = None
    timeout: Annotated[Span | None, Field(description="Seconds that an attempt may take.")] = None
    max_attempts: Attempts | None = None
    cwd: Annotated[Folder | None, Field(description="The command's folder.")] = None
    concurrency_key: Key | None = None
    needs: dict[Key, Annotated[float, Field(gt=0, le=1e15)]] | None = None
    unique: Key | UniqueRule | None = None
    cache: bool | CacheRule | None = None
    result: Literal["exit_code", "stdout"] | None = None
    results: bool | None = None


class TaskAsked(TemplateAsked):
    """One task."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"function": "resize", "args": ["a.png"], "kwargs": {"width": 800}},
                {"function": "report", "run_at": "2026-12-01T09:00:00Z", "max_attempts": 3},
            ]
        }
    )

    after: Annotated[list[Id] | None, Field(description="Ids of tasks to complete first.")] = None
    after_any: Annotated[list[Id] | None, Field(description="Ids of tasks to end first.")] = None
    run_at: Moment | None = None
    expires_at: Moment | None = None


class LineAsked(TemplateAsked):
    """One of many: `ref` names it for the others."""

    ref: Ref | None = None
    after: Annotated[
        list[Id | Ref] | None, Field(description="Refs or ids of tasks to complete first.")
    ] = None
    after_any: Annotated[
        list[Id | Ref] | None, Field(description="Refs or ids of tasks to end first.")
    ] = None
    run_at: Moment | None = None
    expires_at: Moment | None = None


class BatchAsked(Asked):
    """Many tasks, stored in one transaction: all of them or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tasks": [
                        {"ref": "get", "function": "fetch", "args": ["https://example.org"]},
                        {"function": "count", "args": [{"$result": "get"}], "after": ["get"]},
                    ]
                }
            ]
        }
    )

    tasks: Annotated[list[LineAsked], Field(min_length=1, max_length=LARGEST_BATCH)]


class ChangeAsked(Asked):
    """What is to be changed of a task that waits; `null` takes a timeout or an expiry away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"priority": 10, "timeout": None}]})

    priority: Priority | None = None
    description: LongText | None = None
    queue: QueueText | None = None
    delay: Seconds | None = None
    run_at: Moment | None = None
    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None
    command: Annotated[list[LongText], Field(min_length=1)] | None = None
    timeout: Span | None = None
    max_attempts: Attempts | None = None
    expires_at: Moment | None = None
    expires_in: Span | None = None
