"""litequeue, which ships no worker: the loop is that of its example."""

import time
from collections.abc import Callable, Sequence

from litequeue import LiteQueue

from benchmarks.peers import protocol

IDLE = 0.1
"""Seconds that the loop sleeps when there is nothing; ours, not the library's."""


def opened(url: str) -> LiteQueue:
    """The queue."""
    return LiteQueue(f"{url}/queue.db")


class Litequeue:
    """Messages, marked as done."""

    def install(self, url: str) -> None:
        """Make the table."""
        opened(url)

    def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """Put all in a transaction of its own."""
        queue = opened(url)

        def put() -> None:
            with queue.transaction():
                for one in payloads:
                    queue.put(one)

        return protocol.timed(put)

    def single(self, url: str, each: protocol.Each) -> object:
        """Put."""
        return each(opened(url).put)

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Pop, do, mark as done."""
        queue = opened(url)
        started()
        while True:
            message = queue.pop()
            if message is None:
                time.sleep(IDLE)
            else:
                protocol.perform(message.data)
                queue.done(message.message_id)


CONTESTANT = Litequeue()
