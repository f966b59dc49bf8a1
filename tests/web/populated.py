"""A queue in which something of everything has happened, some of it with hostile texts."""

from collections.abc import Callable
from typing import Any, Final

from jobrunner import NewTask, TaskQueue, Worker

HOSTILE: Final = "<img src=x onerror=alert(1)>\"'></script><script>alert(2)</script>{{ 7*7 }}"
QUEUE: Final = "mail'\"><b>&"


class MadeUpError(Exception):
    """What fails here fails on purpose."""


def populate(queue: TaskQueue) -> None:
    """Three that failed alike, one that failed with hostile text, two completed, some that wait."""

    def fail(number: int) -> None:
        raise MadeUpError(f"no such file /data/{number}.mp4")

    def hostile() -> None:
        raise MadeUpError(HOSTILE)

    register(queue, media=fail, good=lambda: None, **{HOSTILE: hostile})
    once: dict[str, Any] = {"max_attempts": 1}
    queue.enqueue_many(
        [
            *(NewTask(function="media", args=(number,), **once) for number in range(3)),
            NewTask(function=HOSTILE, queue=QUEUE, description=HOSTILE, **once),
            *[NewTask(function="good")] * 2,
        ]
    )
    Worker(queue, concurrency=1).run(until_empty=True)
    waits = NewTask(function=HOSTILE, queue=QUEUE, description=HOSTILE, **once)
    queue.enqueue_many([waits] * 2)


def register(queue: TaskQueue, **functions: Callable[..., object]) -> None:
    """Functions by the names that tasks call them by."""
    for name, function in functions.items():
        queue.task(name=name)(function)
