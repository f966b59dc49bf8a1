"""Tell what happens to all tasks, as it happens: each change once."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from jobrunner.core.past import Step
from jobrunner.core.transition import CANCEL_REQUESTED, DUE, STARTED, UNBLOCKED, Happening
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import happenings, moves
from jobrunner.storage.happenings import Page, Place, Row, Tale
from jobrunner.storage.notices import ENDS
from jobrunner.storage.store import Store
from jobrunner.storage.transitions import transition
from jobrunner.storage.types import micros

_BY_THE_WAY: Final = {UNBLOCKED, DUE, STARTED}
"""What a row tells of besides its own: it may have been told before."""

COMES_WITHIN: Final = 60.0
"""Seconds for which a row is looked for that is not there, while some of higher ids are."""

LOOK_EVERY: Final = 1.0
"""Seconds after which it looks again even if nothing woke it."""


class Chronicle:
    """What has been told of the changes since a moment, and what there is to tell next.

    Attempts and acts are told by their rows. A start, and that a task waits for no other any more,
    are told as soon as they are seen, and not again with the row of the attempt.
    """

    def __init__(self, store: Store, clock: Clock, since: datetime) -> None:
        """Nothing is read yet."""
        self._store = store
        self._clock = clock
        self._missing: dict[Row, float] = {}
        self._since = since
        self._begin = micros(since)
        self._place = Place()
        self._running: set[tuple[int, int]] = set()
        self._told: dict[int, set[str]] = {}

    def newest(self, limit: int) -> list[Happening]:
        """The newest changes since the moment, the oldest first; what comes next follows them."""
        with self._store.reading() as transaction:
            self._place = happenings.here(transaction)
            self._running = happenings.running(transaction)
            found = happenings.of_late(transaction, self._since, limit=limit)
        told: list[tuple[Step, Tale]] = []
        for tale in found:
            told += [(step, tale) for step in tale.steps if step.at >= self._begin]
            self._remember(tale)
        return _in_order(told)[-limit:]

    def begin(self) -> None:
        """Tell only what happens from now on."""
        with self._store.reading() as transaction:
            self._place = happenings.here(transaction)
            self._running = happenings.running(transaction)

    def following(self) -> Iterator[list[Happening]]:
        """What happened behind the last call, in parts, each in the order of time."""
        with self._store.reading() as transaction:
            upto = happenings.here(transaction)
            running = happenings.running(transaction)
        started: set[int] = {task_id for task_id, _ in running - self._running}
        now = self._clock.monotonic()
        missing = [*self._missing]
        while started or missing or self._place != upto:
            with self._store.reading() as transaction:
                page = happenings.behind(
                    transaction, self._place, upto, started=started, missing=missing
                )
            told = [(step, tale) for tale in page.tales for step in self._new(tale, page)]
            self._wait_for(page, now)
            self._place, missing = page.place, []
            started.clear()
            if told:
                yield _in_order(told)
        self._running = running

    def _wait_for(self, page: Page, now: float) -> None:
        """Rows of a server may come later than others of higher ids; in a file they do not."""
        if self._store.database.path is None:
            self._missing |= dict.fromkeys(page.missing, now + COMES_WITHIN)
            self._missing = {
                row: until
                for row, until in self._missing.items()
                if now < until and row not in page.late
            }

    def _new(self, tale: Tale, page: Page) -> Iterator[Step]:
        """The steps of a task that have not been told, up to the end of a page."""
        for step in tale.steps:
            is_new = page.place.tells(step.source, after=self._place) or step.source in page.late
            if step.source is not None and not is_new:
                continue
            told = self._told.get(tale.task_id, set())
            if step.source is None or step.what in _BY_THE_WAY:
                if step.at >= self._begin and step.what not in told:
                    yield step
            else:
                yield step
                if step.what != CANCEL_REQUESTED:
                    self._told.pop(tale.task_id, None)
        self._remember(tale)

    def _remember(self, tale: Tale) -> None:
        """What was told of the present comes again with the row of the attempt."""
        present = {step.what for step in tale.steps if step.source is None}
        if present:
            self._told.setdefault(tale.task_id, set()).update(present)


def follow_all(
    store: Store, clock: Clock, chronicle: Chronicle, *, stopped: Callable[[], bool]
) -> Iterator[Happening]:
    """Whatever happens from here on, until `stopped` says so.

    Raises:
        DatabaseMovedError: the work goes on in another database.
    """
    database = store.database
    wakeup = Wakeup(database.watch(ENDS), clock, interrupted=stopped)
    try:
        while not stopped():
            for part in chronicle.following():
                yield from part
            with database.reading() as transaction:
                moves.refuse(transaction, database.name)
            wakeup.wait(LOOK_EVERY)
    finally:
        wakeup.close()


def _in_order(told: list[tuple[Step, Tale]]) -> list[Happening]:
    """By time; of one moment as each task went through it."""
    told.sort(key=lambda one: one[0].at)
    return [
        Happening(transition=transition(tale.task_id, step), name=tale.name, queue=tale.queue)
        for step, tale in told
    ]
