"""pgqueuer on asyncpg and uvloop, with its own table settings and batches of a tuned size."""

import os
import time
from collections.abc import Callable, Sequence

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.peers import protocol

BATCH = int(os.environ.get("PEER_BATCH", "500"))


class Pgqueuer:
    """Its guide: larger batches for short jobs, asyncpg, `pgq autovac`, one connection a worker."""

    loop = staticmethod(uvloop.run)

    async def install(self, url: str) -> None:
        """Make the tables, logged ones, as is its default, with its recommended vacuuming."""
        queries = Queries.from_asyncpg_connection(await asyncpg.connect(url))
        await queries.install()
        await queries.optimize_autovacuum()

    async def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """Enqueue lists."""
        queries = Queries.from_asyncpg_connection(await asyncpg.connect(url))
        count = len(payloads)
        began = time.perf_counter()
        await queries.enqueue(["perform"] * count, [one.encode() for one in payloads], [0] * count)
        return time.perf_counter() - began

    async def single(self, url: str, each: protocol.Each) -> object:
        """Enqueue over a pool: a connection of asyncpg does one thing at a time."""
        async with asyncpg.create_pool(url) as pool:
            queries = Queries.from_asyncpg_pool(pool)

            async def enqueue(payload: str) -> object:
                return await queries.enqueue("perform", payload.encode(), 0)

            return await each(enqueue)

    async def work(self, url: str, started: Callable[[], None]) -> None:
        """Run by its library call."""
        queue = PgQueuer.from_asyncpg_connection(await asyncpg.connect(url))

        @queue.entrypoint("perform")
        async def perform(job: Job) -> None:
            protocol.perform((job.payload or b"x").decode())

        started()
        await queue.run(batch_size=BATCH)


CONTESTANT = Pgqueuer()
