"""What a Dask worker is asked to call: each order is begun once, in the process it is meant for."""

import secrets
from typing import Final

from jobrunner.core.outcome import Lost, Outcome
from jobrunner.runtime.executors import remote
from jobrunner.runtime.executors.order import Order

PROCESS: Final = secrets.token_hex(8)
"""Tells this process from the one that had its address before."""

REMEMBERED: Final = 100_000

_begun: dict[str, None] = {}


def hello() -> str:
    """On a Dask worker: who it is. Fails where jobrunner is not installed."""
    return PROCESS


class OtherProcessError(Exception):
    """The process that an order was for is no more; another one has its address."""


def run_once(order: Order, process: str) -> Outcome:
    """On a Dask worker: run an order, if it is meant for this process and new to it.

    Dask starts a task again whose worker died or whose result was lost on the way. Whether an
    attempt is repeated is for jobrunner to say.

    Raises:
        OtherProcessError: it is not meant for this process.
    """
    if process != PROCESS:
        raise OtherProcessError
    if order.key in _begun:
        return Lost("Dask has lost its result")
    _begun[order.key] = None
    if len(_begun) > REMEMBERED:
        del _begun[next(iter(_begun))]
    return remote.run(order)
