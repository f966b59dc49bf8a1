"""See that another connection has committed, without asking the tables."""

import os
from collections.abc import Callable
from typing import Any, Final, Protocol

from sqlalchemy import Connection

UNREAD: Final = -1
"""The version of no database: what cannot be read now counts as changed when it can."""

UNTOLD: Final = (0.001, 0.005)
"""Seconds from the first look to the second where nothing tells of a change, and the longest that
they grow to: then they cost 0.3 s of CPU a minute."""

TOLD: Final = (0.05, 0.05)
"""The same where something does: for signals, and for what was committed without a word."""


class Watch(Protocol):
    """Tells whoever waits that something may have happened."""

    @property
    def descriptor(self) -> int | None:
        """Becomes readable when it has, if there is one; whoever waits for it reads it empty."""
        ...

    @property
    def pauses(self) -> tuple[float, float]:
        """Seconds between two looks: at first, and at most."""
        ...

    def changed(self) -> bool:
        """Whether there was anything since the last look."""
        ...

    def call(self, wake: Callable[[], None]) -> None:
        """Have `wake` called from another thread at once, where changes tell of themselves."""
        ...

    def close(self) -> None:
        """Look no more."""
        ...


class ChangeWatch:
    """Sees commits of other connections to an SQLite file, for about 3 µs a look."""

    def __init__(
        self, connection: Connection, driver: Any, *, descriptor: int | None = None
    ) -> None:
        """`connection` is kept, outside any transaction; `driver` is what SQLAlchemy wraps.

        `descriptor` is closed with it.
        """
        self.descriptor = descriptor
        self.pauses = UNTOLD if descriptor is None else TOLD
        self._connection = connection
        self._driver = driver
        self._version = UNREAD
        self.changed()

    def _read(self) -> int:
        version: int = self._driver.execute("PRAGMA data_version").fetchone()[0]
        return version

    def changed(self) -> bool:
        """Whether another connection has committed since the last look."""
        before = self._version
        try:
            self._version = self._read()
        except self._driver.Error:
            # Told once: whoever looks because of it is told what is wrong, and need not be woken
            # a thousand times a second while it lasts.
            self._version = UNREAD
        return before != self._version

    def call(self, wake: Callable[[], None]) -> None:
        """A file calls nobody."""

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
        if self.descriptor is not None:
            os.close(self.descriptor)
