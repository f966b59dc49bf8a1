"""Put spans of time into as few slots as they need, so that none overlap."""

import heapq
from collections.abc import Sequence
from typing import Any, TypeVar

M = TypeVar("M", bound=Any)


def slots(spans: Sequence[tuple[M, M | None]]) -> list[int]:
    """The slot of each span, from 0 up; `None` for an end says that it has not come.

    Each takes the lowest slot that is free when it starts: greedy interval partitioning
    (Kleinberg and Tardos, Algorithm Design, 4.1), which needs no more slots than overlap.
    """
    found = [0] * len(spans)
    free: list[int] = []
    busy: list[tuple[M, int]] = []
    used = 0
    for at in sorted(range(len(spans)), key=lambda at: (spans[at][0], at)):
        start, end = spans[at]
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            slot = heapq.heappop(free)
        else:
            slot, used = used, used + 1
        found[at] = slot
        if end is not None:
            heapq.heappush(busy, (max(start, end), slot))
    return found
