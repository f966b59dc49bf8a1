"""What a Dask worker is asked to call: each order is begun once, in the process it is meant for."""

import secrets
import threading
from typing import Final

from jobrunner.core.outcome import Lost, Outcome
from jobrunner.runtime.executors import remote
from jobrunner.runtime.executors.order import Order

PROCESS: Final = secrets.token_hex(8)
"""Tells this process from the one that had its address before."""

REMEMBERED: Final = 100_000

_begun: dict[str, None] = {}
_served: set[str] = set()
_lock: Final = threading.Lock()


def hello() -> str:
    """On a Dask worker: who it is. Fails where jobrunner is not installed."""
    return PROCESS


class OtherProcessError(Exception):
    """The process that an order was for is no more; another one has its address."""


class OtherDatabaseError(Exception):
    """The order is of another database than all before it."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "it has served another database: start it anew, and give each database "
            "Dask workers of its own"
        )


def run_once(order: Order, process: str) -> Outcome:
    """On a Dask worker: run an order, if it is meant for this process and new to it.

    Dask starts a task again whose worker died or whose result was lost on the way. Whether an
    attempt is repeated is for jobrunner to say. And the process serves one database for life:
    an application's queue lives in one at a time, and what its functions enqueue goes there.

    Raises:
        OtherProcessError: it is not meant for this process.
        OtherDatabaseError: the process serves another database.
    """
    if process != PROCESS:
        raise OtherProcessError
    with _lock:
        if order.key in _begun:
            return Lost("Dask has lost its result")
        if _served - {order.location}:
            raise OtherDatabaseError
        _served.add(order.location)
        _begun[order.key] = None
        if len(_begun) > REMEMBERED:
            del _begun[next(iter(_begun))]
    return remote.run(order)
