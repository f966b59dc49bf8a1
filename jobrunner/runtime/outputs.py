"""What the running attempts of a worker write, stored about once a second for who follows them."""

import contextlib
import threading
from typing import Final

from jobrunner.core.errors import DatabaseError
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.kept import Writing
from jobrunner.storage import output
from jobrunner.storage.engine import Database

LOOK_EVERY: Final = 0.5
"""Seconds between two looks; what an attempt writes is stored at every second one."""

AT_ONCE: Final = 4 * 1024 * 1024
"""Characters that one transaction stores, or what one attempt writes; the next goes on."""


class Outputs:
    """Those of one worker that have written something.

    A thread of its own stores it, so that a slow disk keeps neither settlements nor the heartbeat.
    An attempt that ends within a second costs nothing here, and one that writes nothing neither.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        """Its thread starts at once: code that may be raised into must not start one."""
        self._database = database
        self._clock = clock
        self._writing: dict[Attempt, Writing] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobrunner-output", daemon=True)
        self._thread.start()

    def of(self, attempt: Attempt) -> Writing:
        """What an attempt writes, from now on; the same whichever of its threads is first."""
        return self._writing.setdefault(attempt, Writing())

    def close(self) -> None:
        """Store nothing any more."""
        self._end.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._end.wait(LOOK_EVERY):
            if self._writing:
                # The worker tells of it; here the next look tries again.
                with contextlib.suppress(DatabaseError):
                    self._store()

    def _store(self) -> None:
        rows: list[output.Row] = []
        taken: list[tuple[Writing, int]] = []
        room = AT_ONCE
        for attempt, writing in self._due():
            total = writing.total
            texts = attempt.so_far() if room > 0 else None
            if texts is not None:
                rows.append(output.Row(attempt.lease.task_id, attempt.lease.token, *texts))
                taken.append((writing, total))
                room -= sum(map(len, texts))
        if not rows or not self._database.reserve.is_kept():
            return
        with self._database.writing() as transaction:
            output.save(transaction, rows, now=self._clock.now())
        for writing, total in taken:
            writing.stored(total)

    def _due(self) -> list[tuple[Attempt, Writing]]:
        """What is to be stored, whoever has waited longest first; what is over is forgotten."""
        all_of_it = dict(self._writing)  # in one step: others add to it meanwhile
        for attempt in all_of_it:
            if attempt.over:
                self._writing.pop(attempt, None)
        due = [pair for pair in all_of_it.items() if not pair[0].over and pair[1].is_due()]
        return sorted(due, key=lambda pair: -pair[1].rounds)
