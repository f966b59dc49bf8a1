"""The results of `map`, in the order of its arguments."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from jobrunner.futures.future import Cancel, TaskFuture

R = TypeVar("R")


def in_order(
    futures: "deque[TaskFuture[R]]",
    *,
    left: Callable[[], float | None],
    more: Callable[[], None],
    cancel: Cancel,
) -> Iterator[R]:
    """Each result as soon as it and those before it are there; at the end, the rest is cancelled.

    `left` tells how many seconds to wait yet, and `more` may add futures.

    Raises:
        TimeoutError: no time is left.
    """
    try:
        while futures:
            result = futures[0].result(left())
            futures.popleft()
            more()
            yield result
    finally:
        cancel(list(futures))
