"""See that another connection has committed, without asking the tables."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from sqlalchemy import Connection

UNREAD: Final = -1
"""The version of no database: what cannot be read now counts as changed when it can."""


class Watch(Protocol):
    """Tells whoever waits that something may have happened."""

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

    def __init__(self, connection: Connection, driver: Any) -> None:
        """`connection` is kept, outside any transaction; `driver` is what SQLAlchemy wraps."""
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
        """A file is looked at, and tells nobody."""

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
