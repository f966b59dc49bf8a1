"""How a task is to be run, as users say it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from jobrunner.core.cache import Cache, cache_of
from jobrunner.core.new_task import NewTask, Parent
from jobrunner.core.unique import Unique

Span = timedelta | float | int
"""A length of time: a timedelta, or seconds."""


class TaskOptions(TypedDict, total=False):
    """How a task is to be run. Spans are timedeltas or seconds."""

    queue: str
    priority: int
    description: str
    delay: Span
    run_at: datetime
    after: Sequence[Parent]
    after_any: Sequence[Parent]
    timeout: Span
    max_attempts: int
    cwd: str
    concurrency_key: str
    needs: Mapping[str, float]
    unique: Unique | str | None
    expires_at: datetime
    expires_in: Span
    result: Literal["exit_code", "stdout"]
    results: bool
    cache: Cache | bool


def new_task(options: TaskOptions, **work: Any) -> NewTask[Any]:
    """Make a task of options as users give them.

    Raises:
        InvalidTaskError: an option is not right.
    """
    values: dict[str, Any] = {**options}
    for name in ("delay", "timeout", "expires_in"):
        span = values.get(name)
        if isinstance(span, int | float):
            values[name] = timedelta(seconds=span)
    if "cache" in values:
        values["cache"] = cache_of(values["cache"])
    return NewTask(**values, **work)
