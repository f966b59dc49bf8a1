"""Wait for tasks to end, and for what they write until then."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from jobrunner.core.errors import WaitTimeoutError
from jobrunner.core.task import TaskId
from jobrunner.core.written import Look, Piece, tail
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import moves, reads
from jobrunner.storage.engine import Database
from jobrunner.storage.notices import ENDS

LOOK_EVERY: Final = 1.0
"""Seconds after which a wait looks again even if nothing woke it."""

PAUSE: Final = 0.25
"""Seconds between two looks at what an attempt writes, however much is going on."""


def wait_until_ended(
    database: Database,
    ids: Sequence[TaskId],
    *,
    clock: Clock,
    timeout: float | None,
    on_open: Callable[[int], None],
) -> None:
    """Return when all have ended; `on_open` is told how many have not, now and then.

    Raises:
        WaitTimeoutError: some did not end within `timeout` seconds.
        TaskNotFoundError: there is no such task.
        DatabaseMovedError: the work goes on in another database; here nothing ends any more.
    """
    deadline = None if timeout is None else clock.monotonic() + timeout
    wakeup = Wakeup(database.watch(ENDS), clock)
    is_news = True
    try:
        while True:
            with database.reading() as transaction:
                ids = reads.still_open(transaction, ids)  # what has ended is not read again
                if ids and not is_news:  # a database that has moved is read as before
                    moves.refuse(transaction, database.name)
            on_open(len(ids))
            if not ids:
                return
            left = LOOK_EVERY if deadline is None else deadline - clock.monotonic()
            if left <= 0:
                raise WaitTimeoutError(ids, timeout or 0.0)
            is_news = wakeup.wait(min(LOOK_EVERY, left))
    finally:
        wakeup.close()


def follow(
    database: Database,
    look: Look,
    *,
    clock: Clock,
    run: int | None,
    once: bool,
    on_wait: Callable[[], None],
) -> Iterator[Piece]:
    """What the attempts of a task write, as it is stored; see `core.written.tail`.

    Raises:
        TaskNotFoundError: there is no such task, or no more.
        DatabaseMovedError: the work goes on in another database; here nothing is written any more.
    """
    wakeup, pause = Wakeup(database.watch(ENDS), clock), threading.Event()

    def wait() -> None:
        on_wait()
        pause.wait(PAUSE)
        if not wakeup.wait(LOOK_EVERY - PAUSE):
            with database.reading() as transaction:
                moves.refuse(transaction, database.name)

    try:
        yield from tail(look, wait, run, once=once)
    finally:
        wakeup.close()
