"""Tallies of the history that grow with it: each stretch of it is read once."""

import threading
from datetime import datetime, timedelta
from typing import Final

from jobrunner.core.insight import Bucket, Listing
from jobrunner.core.series import NOTHING, STEP, Tally, grid
from jobrunner.storage import ends
from jobrunner.storage.store import Store

CHUNK: Final = 10_000
"""Attempts of one transaction."""

CHUNKS: Final = 8
"""Transactions of one call that look further back."""

LAG: Final = 2_000
"""The newest attempts are read anew by each call: on a server some may be seen late."""

KEPT: Final = timedelta(days=8)
"""What is older than this, before the newest attempt, is forgotten."""


class Series:
    """How many attempts ended when. Safe to use from any thread."""

    def __init__(self, store: Store) -> None:
        """Nothing is read yet."""
        self._store = store
        self._lock = threading.Lock()
        self._begin("", 0)

    def _begin(self, location: str, at: int) -> None:
        """Know nothing but where to start: what follows is read forwards, what was before back."""
        self._location = location
        self._low = self._high = at
        self._steps: dict[int, Tally] = {}
        self._oldest: int | None = None
        """The newest step of the stretch that was read furthest back."""

    def look(self, since: datetime, until: datetime, buckets: int) -> Listing[Bucket]:
        """At most so many buckets, and one more, each a whole number of 10 s; see `core.series`.

        A call reads what is new, and at most 80,000 attempts further back. If `is_cut`, it had to
        stop there, and the next one goes on.

        Raises:
            InvalidTaskError: there is no time between the two, or the number has no meaning.
        """
        wanted = grid(since, until, buckets)
        with self._lock:
            newest = self._store.read(ends.newest)
            self._read_new(newest)
            tail = self._read(self._high, newest)
            is_cut = self._read_back(wanted.first)
            return Listing(tuple(wanted.regroup(self._steps, tail)), is_cut)

    def _read(self, above: int, upto: int) -> dict[int, Tally]:
        found: dict[int, Tally] = {}
        for step, tally in self._store.read(ends.tallies, above, upto):
            found[step] = found.get(step, NOTHING).plus(tally)
        return found

    def _keep(self, found: dict[int, Tally]) -> None:
        for step, tally in found.items():
            self._steps[step] = self._steps.get(step, NOTHING).plus(tally)

    def _read_new(self, newest: int) -> None:
        upto = max(0, newest - LAG)
        is_another = self._location != self._store.location or newest < self._high
        if is_another or upto - self._high > CHUNK * CHUNKS:
            self._begin(self._store.location, upto)
        while self._high < upto:
            end = min(upto, self._high + CHUNK)
            self._keep(self._read(self._high, end))
            self._high = end

    def _read_back(self, first: int) -> bool:
        """Read back to a step, as far as one call goes; returns whether it had to stop."""
        if self._steps:
            kept = max(self._steps) - KEPT // STEP
            if min(self._steps) < kept - KEPT // STEP // 8:
                self._steps = {step: tally for step, tally in self._steps.items() if step >= kept}
            first = max(first, kept)
        for _ in range(CHUNKS):
            if self._is_back_at(first):
                break
            self._low = self._store.read(ends.newest, self._low)
            above = max(0, self._low - CHUNK)
            if found := self._read(above, self._low):
                self._oldest = max(found)
                self._keep(found)
            self._low = above
        return not self._is_back_at(first)

    def _is_back_at(self, first: int) -> bool:
        return self._low <= 0 or (self._oldest is not None and self._oldest < first)
