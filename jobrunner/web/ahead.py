"""Forecasts for pages, which ask again and again: the more one costs, the older it may be."""

import threading
from collections import OrderedDict
from typing import Final

from jobrunner.core.forecast import Forecast
from jobrunner.task_queue import TaskQueue
from jobrunner.web import masked

SHARE: Final = 20.0
"""A forecast is told for so many times as long as it took to make."""

KEPT: Final = 100


class Ahead:
    """When graphs and batches will have ended. Safe to use from any thread."""

    def __init__(self, queue: TaskQueue) -> None:
        """`queue` is the one that is shown."""
        self._queue = queue
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int | None, int | None], tuple[float, Forecast]]
        self._known = OrderedDict()

    def end(self, task_id: int | None = None, *, batch_id: int | None = None) -> Forecast:
        """When it will have ended, secrets masked.

        Raises:
            TaskNotFoundError: there is no such task.
            BatchNotFoundError: there is no such batch.
        """
        key, monotonic = (task_id, batch_id), self._queue.clock.monotonic
        with self._lock:
            asked_at = monotonic()
            until, found = self._known.get(key, (asked_at, None))
            if found is not None and asked_at < until:
                return found
            found = masked.forecast(self._queue.estimates.end(task_id, batch_id=batch_id))
            now = monotonic()
            self._known[key] = (now + SHARE * (now - asked_at), found)
            self._known.move_to_end(key)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
            return found
