"""`queue.audit`: what was done over HTTP, and who may, by whom and when."""

from collections.abc import Sequence
from typing import Final

from jobrunner.core.access import AuditEntry
from jobrunner.runtime.home import Home
from jobrunner.storage import access

SHOWN: Final = 50


class Audit:
    """Every change over HTTP and of tokens, written with it in one transaction, kept for a year."""

    def __init__(self, home: Home) -> None:
        """`home` is the queue."""
        self._home = home

    def list(self, *, limit: int = SHOWN, before: int | None = None) -> Sequence[AuditEntry]:
        """The newest first; `before` is the id of the last entry that was seen."""
        return self._home.store.read(access.entries, limit=limit, before=before)
