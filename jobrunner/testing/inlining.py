"""Run tasks as soon as they are enqueued: no worker, no second step in the test."""

import contextlib
import threading
from collections.abc import Generator
from contextvars import ContextVar
from typing import Final

from jobrunner.runtime.perform import one_line
from jobrunner.task_queue import TaskQueue
from jobrunner.testing.draining import LIMIT, DrainLimitError
from jobrunner.testing.stand_in import Ran, StandIn

DEEPEST: Final = 20
"""Tasks that run inside one another; one enqueued deeper runs when those above it have ended."""

PATIENCE: Final = 2.0
"""Seconds after which a thread does not wait its turn any longer: a task that waits for threads
of its own, which enqueue, would wait for itself."""

_depth: ContextVar[int] = ContextVar("jobrunner_inline_depth", default=0)


@contextlib.contextmanager
def inline(
    queue: TaskQueue, *, raise_errors: bool = True, limit: int = LIMIT
) -> Generator[list[BaseException]]:
    """In this block, tasks run as soon as the transaction that enqueues them has committed.

    They run in the thread that enqueues, before `enqueue` returns; inside `queue.transaction()`
    after its end. Delayed tasks and retries stay scheduled, for `drain(..., with_scheduled=True)`.
    The code that enqueues never sees a task's error, as in production: errors are kept in the
    list that the block gets, and the first is raised when the block ends, unless
    `raise_errors=False`.

    Raises:
        DrainLimitError: one call led to more than `limit` attempts.
        DatabaseError: the database cannot be used.
    """
    with StandIn(queue) as stand_in:
        mode = _Inline(stand_in, limit)
        queue.after_commit.append(mode.run)
        try:
            yield mode.errors
        except Exception as error:
            for raised in mode.errors:
                error.add_note(f"before that, {raised.__notes__[-1]}: {one_line(raised)}")
            raise
        finally:
            queue.after_commit.remove(mode.run)
    if raise_errors and mode.errors:
        raise mode.errors[0]


class _Inline:
    """Runs what is pending, whenever it is told that something was committed."""

    def __init__(self, stand_in: StandIn, limit: int) -> None:
        self.errors: list[BaseException] = []
        self._stand_in = stand_in
        self._limit = limit
        self._ran: list[Ran] = []
        self._turn = threading.Lock()

    def run(self) -> None:
        depth = _depth.get()
        if depth >= DEEPEST:
            return
        token = _depth.set(depth + 1)
        try:
            if depth:
                self._drain()
            else:
                self._take_turn()
        finally:
            _depth.reset(token)

    def _take_turn(self) -> None:
        """One thread at a time: what another has claimed would not have run on return."""
        mine = self._turn.acquire(timeout=PATIENCE)
        try:
            self._ran = []
            self._drain()
        finally:
            if mine:
                self._turn.release()

    def _drain(self) -> None:
        for one in self._stand_in.attempts():
            self._ran.append(one)
            if one.error is not None:
                self.errors.append(one.error)
            if len(self._ran) > self._limit:
                raise DrainLimitError(self._limit, self._ran)
