"""What tasks went through, how they once stood, and what their attempts wrote."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from jobrunner.core import fields
from jobrunner.core.status import Status
from jobrunner.core.transition import Happening, Transition
from jobrunner.core.written import Piece, Written
from jobrunner.runtime.chronicle import Chronicle, follow_all
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.waiting import follow
from jobrunner.storage import output, transitions
from jobrunner.storage.store import Store

SHOWN: Final = 1_000
"""The changes of status that are listed unless said otherwise."""

MOST: Final = range(1, 100_001)

NEWEST_WITHIN: Final = timedelta(hours=1)
"""How long ago they may have been, unless said otherwise."""


class Past:
    """The part of a queue that looks back, and goes on from there."""

    store: Store
    clock: Clock

    def transitions(self, task_id: int) -> list[Transition]:
        """All that a task went through, oldest first; the last status is the one it has.

        Of a task that was deleted by hand in the last 90 days, only that.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self.store.read(transitions.transitions, task_id)

    def happenings(
        self, *, since: timedelta | datetime = NEWEST_WITHIN, limit: int = SHOWN
    ) -> list[Happening]:
        """What happened to all tasks since a moment, or within a time: the newest, in order.

        Raises:
            InvalidTaskError: `limit` is not from 1 to 100,000, or `since` has no time zone.
        """
        fields.check_integer("limit", limit, MOST)
        return Chronicle(self.store, self.clock, self._moment(since)).newest(limit)

    def follow_happenings(
        self,
        *,
        since: timedelta | datetime | None = None,
        limit: int = SHOWN,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Happening]:
        """Whatever happens to tasks from now on, behind what `happenings` tells if `since` is said.

        It ends when `stopped` says so, which is asked at every look. That a task has come due is
        told with its start, and nothing is told of a claim that was given back unstarted.

        Raises:
            DatabaseMovedError: the work goes on in another database.
        """
        begin = self._moment(timedelta() if since is None else since)
        chronicle = Chronicle(self.store, self.clock, begin)
        if since is None:
            chronicle.begin()
        else:
            yield from chronicle.newest(limit)
        yield from follow_all(self.store, self.clock, chronicle, stopped=stopped)

    def counts_at(self, moment: datetime) -> dict[Status, int]:
        """How many tasks had which status at a moment; those that are deleted are not counted.

        Raises:
            InvalidTaskError: a moment without a time zone.
        """
        fields.check_moment("moment", moment)
        return self.store.read(transitions.counts_at, moment)

    def _moment(self, since: timedelta | datetime) -> datetime:
        if isinstance(since, timedelta):
            fields.check_span("since", since, shortest=timedelta())
            return self.clock.now() - since
        fields.check_moment("since", since)
        return since

    def written(
        self, task_id: int, *, run: int | None = None, stdout: int = 0, stderr: int = 0
    ) -> Written:
        """What an attempt has written: the newest one, which may run, or the one of a `run`.

        `stdout` and `stderr` are offsets in characters: only what stands behind them is told. Of
        one that runs it is a second or two old.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        return self.store.read(output.written, task_id, run=run, stdout=stdout, stderr=stderr)

    def follow(
        self,
        task_id: int,
        *,
        run: int | None = None,
        once: bool = False,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Iterator[Piece]:
        """What the attempts of a task write, as they write it, until the task has ended.

        It begins with the newest attempt, or with a `run`, and with `once` it ends with that.
        `on_wait` is called before each wait for more.

        Raises:
            TaskNotFoundError: there is no such task.
            DatabaseMovedError: its work goes on in another database.
        """

        def look(run: int | None, stdout: int, stderr: int) -> Written:
            return self.written(task_id, run=run, stdout=stdout, stderr=stderr)

        database = self.store.database
        return follow(database, look, clock=self.clock, run=run, once=once, on_wait=on_wait)
