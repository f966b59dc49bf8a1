"""See that another connection has committed, without asking the tables."""

from typing import Any, Final

from sqlalchemy import Connection

UNREAD: Final = -1
"""The version of no database: what cannot be read now counts as changed when it can."""


class ChangeWatch:
    """Sees commits of other connections, on SQLite for about 3 µs a look.

    On a server it sees nothing: there, waking up is the business of notifications.
    """

    def __init__(self, connection: Connection, driver: Any) -> None:
        """`connection` is kept, outside any transaction; `driver` is SQLite's, or `None`."""
        self._connection = connection
        self._driver = driver
        self._version = UNREAD
        self.changed()

    def _read(self) -> int:
        if self._driver is None:
            return 0
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

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
