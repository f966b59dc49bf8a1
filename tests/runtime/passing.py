"""Functions that show what they were given, importable from child processes too."""

from contextlib import closing
from typing import Any

from jobrunner import NewTask, TaskQueue
from jobrunner.testing.executor_functions import functions


@functions.task
def echo(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@functions.task
async def echo_async(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@functions.task
def length(items: list[Any]) -> list[int]:
    return [len(one[0][0]) if isinstance(one[0][0], str) else len(one) for one in items]


@functions.task
def add_to(*args: Any) -> Any:
    return args


@functions.task
def silent() -> None:
    pass


@functions.task
def fail_given(_: Any) -> None:
    raise ValueError("out of luck")


@functions.task
def grow(location: str, depth: int) -> None:
    below = NewTask(function="grow", args=[location, depth - 1])
    with closing(TaskQueue(location)) as queue:
        queue.batches.add([below] * 2 if depth > 1 else [])
