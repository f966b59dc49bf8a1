"""The transaction of a running attempt, which all queues on the same database are part of."""

import contextlib
from collections.abc import Generator
from contextvars import ContextVar
from typing import Final

from sqlalchemy import Connection

_open: Final[ContextVar[tuple[str, Connection] | None]] = ContextVar("joint", default=None)


@contextlib.contextmanager
def joined(location: str, connection: Connection) -> Generator[None]:
    """In this block, whatever queues at this location do goes into the one transaction."""
    token = _open.set((location, connection))
    try:
        yield
    finally:
        _open.reset(token)


def at(location: str) -> Connection | None:
    """The transaction to join, if this thread or coroutine has one at this location."""
    found = _open.get()
    return found[1] if found is not None and found[0] == location else None
