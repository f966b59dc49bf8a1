"""pgqueuer on asyncpg and uvloop, with its own table settings and batches of a tuned size."""

import os
import time
from collections.abc import Callable

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.peers import protocol

BATCH = int(os.environ.get("PEER_BATCH", "500"))


class Pgqueuer:
    """Its guide: larger batches for short jobs, asyncpg, `pgq autovac`, one connection a worker."""

    async def install(self, dsn: str) -> None:
        """Make the tables, logged ones, as is its default, with its recommended vacuuming."""
        queries = Queries.from_asyncpg_connection(await asyncpg.connect(dsn))
        await queries.install()
        await queries.optimize_autovacuum()

    async def bulk(self, dsn: str, payloads: list[str]) -> float:
        """Enqueue lists."""
        queries = Queries.from_asyncpg_connection(await asyncpg.connect(dsn))
        count = len(payloads)
        began = time.perf_counter()
        await queries.enqueue(["noop"] * count, [one.encode() for one in payloads], [0] * count)
        return time.perf_counter() - began

    async def single(self, dsn: str, each: protocol.Each) -> None:
        """Enqueue over one connection."""
        queries = Queries.from_asyncpg_connection(await asyncpg.connect(dsn))
        await each(lambda payload: queries.enqueue("noop", payload.encode(), 0))

    async def work(self, dsn: str, started: Callable[[], None]) -> None:
        """Run by its library call."""
        queue = PgQueuer.from_asyncpg_connection(await asyncpg.connect(dsn))

        @queue.entrypoint("noop")
        async def noop(job: Job) -> None:
            protocol.noop((job.payload or b"x").decode())

        started()
        await queue.run(batch_size=BATCH)


CONTESTANT = Pgqueuer()
RUN = uvloop.run
