"""jobrunner with threads, as it comes, but for the number of its slots."""

import asyncio
import os
import time
from collections.abc import Callable

from benchmarks.peers import protocol
from jobrunner import NewTask, TaskQueue, Worker
from jobrunner.core.events import ignore
from jobrunner.runtime.collector import calm

SLOTS = int(os.environ.get("PEER_SLOTS", "8"))
EXECUTOR = os.environ.get("PEER_EXECUTOR", "thread")


class Jobrunner:
    """Its own drain of `make bench`, on another database."""

    async def install(self, dsn: str) -> None:
        """Make the tables."""
        TaskQueue(dsn).upgrade()

    async def bulk(self, dsn: str, payloads: list[str]) -> float:
        """Enqueue in one transaction."""
        queue = TaskQueue(dsn, emit=ignore)
        queue.counts()  # connects
        new = [NewTask(function="noop", args=(one,)) for one in payloads]
        began = time.perf_counter()
        queue.enqueue_ids(new)
        return time.perf_counter() - began

    async def single(self, dsn: str, each: protocol.Each) -> None:
        """Enqueue over one connection."""
        queue = TaskQueue(dsn, emit=ignore)

        async def enqueue(payload: str) -> None:
            queue.enqueue_ids([NewTask(function="noop", args=(payload,))])

        await each(enqueue)

    async def work(self, dsn: str, started: Callable[[], None]) -> None:
        """Run a worker."""
        queue = TaskQueue(dsn, emit=ignore)
        queue.task(protocol.noop)
        queue.counts()  # connects
        worker = Worker(queue, concurrency=SLOTS, executor=EXECUTOR)
        calm()  # as `jobrunner work` does
        started()
        worker.run()


CONTESTANT = Jobrunner()
RUN = asyncio.run
