"""persist-queue's queue with acknowledgements; it ships no worker, the loop is ours."""

import os
import time
from collections.abc import Callable, Sequence

from persistqueue import SQLiteAckQueue
from persistqueue.exceptions import Empty

from benchmarks.peers import protocol

IDLE = 0.1
"""Seconds that the loop sleeps when there is nothing: `get` waits for its own process only."""


def opened(url: str) -> SQLiteAckQueue:
    """The queue, for several threads."""
    queue = SQLiteAckQueue(url, db_file_name="queue.db", multithreading=True)
    if os.environ.get("PEER_FSYNC") == "0":  # for a filling that nobody times
        queue._putter.execute("PRAGMA synchronous=OFF")  # noqa: SLF001 - it has no option
    return queue


class PersistQueue:
    """Items, acknowledged."""

    def install(self, url: str) -> None:
        """Make the table."""
        opened(url)

    def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """One by one: it has no other call."""
        queue = opened(url)
        return protocol.timed(lambda: [queue.put(one) for one in payloads])

    def single(self, url: str, each: protocol.Each) -> object:
        """Put."""
        return each(opened(url).put)

    def work(self, url: str, started: Callable[[], None]) -> None:
        """Get, do, acknowledge."""
        queue = opened(url)
        started()
        while True:
            try:
                item = queue.get(block=False, raw=True)
            except Empty:
                time.sleep(IDLE)
                continue
            protocol.perform(item["data"])
            queue.ack(item)


CONTESTANT = PersistQueue()
