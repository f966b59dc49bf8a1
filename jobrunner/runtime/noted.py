"""SIGINT and SIGTERM, noted where a command must not lose them."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def noted(stop: Callable[[str], None] = lambda _reason: None) -> Generator[list[int]]:
    """Have SIGINT and SIGTERM call `stop`; yields the list of those received.

    A KeyboardInterrupt may come up in a callback of some library, where Python drops it.
    """
    received: list[int] = []

    def handle(number: int, _frame: object) -> None:
        received.append(number)
        stop(f"it got {signal.Signals(number).name}")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
