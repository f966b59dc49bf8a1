"""procrastinate on psycopg 3, an async task, with a tuned number of jobs at a time."""

import asyncio
import os
import time
from collections.abc import Callable

import procrastinate

from benchmarks.peers import protocol

CONCURRENCY = int(os.environ.get("PEER_CONCURRENCY", "30"))


def application(dsn: str) -> tuple[procrastinate.App, procrastinate.tasks.Task]:
    """The application with its one task; the connector's pool keeps its own default size."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    @app.task(name="noop")
    async def noop(payload: str) -> str:
        return protocol.noop(payload)

    return app, noop


class Procrastinate:
    """Its guide: more jobs at a time in one worker, more workers in processes of their own."""

    async def install(self, dsn: str) -> None:
        """Make the tables."""
        app, _ = application(dsn)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    async def bulk(self, dsn: str, payloads: list[str]) -> float:
        """Defer a batch."""
        app, noop = application(dsn)
        async with app.open_async():
            began = time.perf_counter()
            await noop.batch_defer_async(*({"payload": one} for one in payloads))
            return time.perf_counter() - began

    async def single(self, dsn: str, each: protocol.Each) -> None:
        """Defer one job after the other."""
        app, noop = application(dsn)
        async with app.open_async():
            await each(lambda payload: noop.defer_async(payload=payload))

    async def work(self, dsn: str, started: Callable[[], None]) -> None:
        """Run a worker, everything but its concurrency as it comes."""
        app, _ = application(dsn)
        async with app.open_async():
            started()
            await app.run_worker_async(concurrency=CONCURRENCY)


CONTESTANT = Procrastinate()
RUN = asyncio.run
