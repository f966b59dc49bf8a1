"""What the running attempts of a worker write and report, stored soon for who follows them."""

import contextlib
import threading
from typing import Any, Final, TypeVar

from jobrunner.core.errors import DatabaseError
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.kept import ROUNDS, Writing
from jobrunner.storage import output, progress
from jobrunner.storage.engine import Database

LOOK_EVERY: Final = 0.5
"""Seconds between two looks; what an attempt writes or reports is stored at the second one."""

AT_ONCE: Final = 4 * 1024 * 1024
"""Characters that one transaction stores, or what one attempt writes; the next goes on."""


class Report:
    """What an attempt has reported and not stored itself, since the next may have come soon."""

    __slots__ = ("is_stored", "rounds", "values")

    def __init__(self, values: dict[str, Any]) -> None:
        """`values` are stored if no others take their place."""
        self.values = values
        self.rounds = 0
        self.is_stored = False

    def is_due(self) -> bool:
        """Whether it is to be stored, asked once a round."""
        self.rounds += 1
        return self.rounds >= ROUNDS and not self.is_stored


class Outputs:
    """Those of one worker that have written or reported something.

    A thread of its own stores it, so that a slow disk keeps neither settlements nor the heartbeat.
    An attempt that ends within a second costs nothing here, and one that writes nothing neither.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        """Its thread starts at once: code that may be raised into must not start one."""
        self._database = database
        self._clock = clock
        self._writing: dict[Attempt, Writing] = {}
        self._reports: dict[Attempt, Report] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobrunner-output", daemon=True)
        self._thread.start()

    def of(self, attempt: Attempt) -> Writing:
        """What an attempt writes, from now on; the same whichever of its threads is first."""
        return self._writing.setdefault(attempt, Writing())

    def later(self, attempt: Attempt, values: dict[str, Any]) -> None:
        """Store what an attempt reports, unless it reports or stores something else before."""
        if values:
            self._reports[attempt] = Report(values)
        else:
            self._reports.pop(attempt, None)

    def close(self) -> None:
        """Store nothing any more."""
        self._end.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._end.wait(LOOK_EVERY):
            # The worker tells of what fails; here the next look tries again.
            with contextlib.suppress(DatabaseError):
                self._store_written()
            with contextlib.suppress(DatabaseError):
                self._store_reports()

    def _store_written(self) -> None:
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
        due = [pair for pair in _open(self._writing) if pair[1].is_due()]
        return sorted(due, key=lambda pair: -pair[1].rounds)

    def _store_reports(self) -> None:
        due = [pair for pair in _open(self._reports) if pair[1].is_due()]
        if not due or not self._database.reserve.is_kept():
            return
        with self._database.writing() as transaction:
            now = self._clock.now()
            free = progress.free(transaction, [attempt.lease.task_id for attempt, _ in due])
            due = [pair for pair in due if pair[0].lease.task_id in free]
            for attempt, report in due:
                # Looked at in here: what the attempt has stored since is newer
                # (guarded by test_what_an_attempt_stores_itself_is_never_undone).
                if self._reports.get(attempt) is report:
                    held = attempt.lease
                    progress.save(transaction, held.task_id, held.token, now=now, **report.values)
        for _, report in due:
            report.is_stored = True


T = TypeVar("T")


def _open(found: dict[Attempt, T]) -> list[tuple[Attempt, T]]:
    """What belongs to attempts that still run; what is over is forgotten."""
    all_of_it = dict(found)  # in one step: others add to it meanwhile
    for attempt in all_of_it:
        if attempt.over:
            found.pop(attempt, None)
    return [pair for pair in all_of_it.items() if not pair[0].over]
