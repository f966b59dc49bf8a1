"""`queue.retention`: how long ended tasks are kept, and the deletion of those that are older."""

from collections.abc import Callable
from datetime import timedelta

from jobrunner.core.retention import OF_ALL, Kept, Retention, checked, checked_queue
from jobrunner.core.status import Status
from jobrunner.runtime.home import Home
from jobrunner.storage import prune, retention
from jobrunner.storage.prune import Chosen


class RetentionRules:
    """The rules of the queues, kept in the database: they hold for every worker at once."""

    def __init__(self, home: Home) -> None:
        """`home` is the queue."""
        self._home = home

    def get(self) -> Retention:
        """The rules as they are."""
        return self._home.store.read(retention.stored)

    def set(
        self,
        queue: str = OF_ALL,
        *,
        completed: Kept | float | None = None,
        failed: Kept | float | None = None,
        cancelled: Kept | float | None = None,
    ) -> Retention:
        """Say how long ended tasks of a queue are kept, or of all queues that say nothing.

        A timedelta, seconds, `"forever"`, or `"default"` for what would hold without this rule;
        `None` leaves it as it is. Returns the rules as they are then.

        Raises:
            ConfigurationError: it is no such time.
        """
        given = {"completed": completed, "failed": failed, "cancelled": cancelled}
        kept = {name: checked(name, time) for name, time in given.items() if time is not None}
        if kept:
            self._home.store.write(retention.keep, checked_queue(queue), kept)
        return self.get()

    def count(
        self,
        *,
        older_than: timedelta | None = None,
        status: Status | None = None,
        queue: str | None = None,
        function: str | None = None,
    ) -> int:
        """How many tasks `prune` would delete."""
        chosen = Chosen(older_than, status, queue, function)
        return self._home.store.read(prune.count, now=self._home.clock.now(), chosen=chosen)

    def prune(
        self,
        *,
        older_than: timedelta | None = None,
        status: Status | None = None,
        queue: str | None = None,
        function: str | None = None,
        progress: Callable[[int], None] = lambda _deleted: None,
    ) -> int:
        """Delete what has ended longer ago than `older_than`, or than its queue keeps it.

        What an unfinished task, a batch or a schedule needs stays. Some hundreds go in each
        transaction; `progress` is told how many so far. Returns how many were deleted.

        Raises:
            DatabaseError: rows of a table of somebody's own refer to one.
        """
        chosen = Chosen(older_than, status, queue, function)
        deleted = 0
        now = self._home.clock.now()
        while some := self._home.store.write(prune.prune, now=now, chosen=chosen):
            deleted += some
            progress(deleted)
        return deleted
