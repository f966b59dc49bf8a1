"""Wait until nothing of a queue runs."""

from typing import Final

from jobrunner.core.control_errors import DrainTimeoutError
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import moves, queues
from jobrunner.storage.dialect import claims_underway
from jobrunner.storage.engine import Database
from jobrunner.storage.notices import ENDS

LOOK_EVERY: Final = 0.5
"""Seconds after which a wait looks again even if nothing woke it."""


def wait_until_idle(database: Database, name: str, *, clock: Clock, timeout: float | None) -> None:
    """Return when no task of a paused queue is in progress.

    Raises:
        DrainTimeoutError: one still was after `timeout` seconds.
        DatabaseMovedError: the work goes on in another database.
    """
    deadline = None if timeout is None else clock.monotonic() + timeout
    wakeup = Wakeup(database.watch(ENDS), clock)
    with database.reading() as transaction:
        begun = claims_underway(transaction)
    try:
        while True:
            with database.reading() as transaction:
                moves.refuse(transaction, database.name)
                # Those that began before the pause may take one yet
                # (guarded by test_a_drain_waits_for_claims_that_have_not_seen_the_pause).
                begun &= claims_underway(transaction)
                running = queues.running(transaction, [name]).get(name, 0)
            if not begun and not running:
                return
            left = LOOK_EVERY if deadline is None else deadline - clock.monotonic()
            if left <= 0:
                raise DrainTimeoutError(name, running, timeout or 0.0)
            wakeup.wait(min(LOOK_EVERY, left))
    finally:
        wakeup.close()
