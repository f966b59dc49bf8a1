"""procrastinate on psycopg 3, an async task, with a tuned number of jobs at a time."""

import os
import time
from collections.abc import Callable, Sequence

import procrastinate

from benchmarks.peers import protocol

CONCURRENCY = int(os.environ.get("PEER_CONCURRENCY", "30"))


def application(url: str) -> tuple[procrastinate.App, procrastinate.tasks.Task]:
    """The application with its one task; the connector's pool keeps its own default size."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    @app.task(name="perform")
    async def perform(payload: str) -> str:
        return protocol.perform(payload)

    return app, perform


class Procrastinate:
    """Its guide: more jobs at a time in one worker, more workers in processes of their own."""

    async def install(self, url: str) -> None:
        """Make the tables."""
        app, _ = application(url)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    async def fill(self, url: str, payloads: Sequence[str], _shape: str) -> float:
        """Defer a batch."""
        app, perform = application(url)
        async with app.open_async():
            began = time.perf_counter()
            await perform.batch_defer_async(*({"payload": one} for one in payloads))
            return time.perf_counter() - began

    async def single(self, url: str, each: protocol.Each) -> object:
        """Defer one job after the other."""
        app, perform = application(url)

        async def enqueue(payload: str) -> object:
            return await perform.defer_async(payload=payload)

        async with app.open_async():
            return await each(enqueue)

    async def work(self, url: str, started: Callable[[], None]) -> None:
        """Run a worker, everything but its concurrency as it comes."""
        app, _ = application(url)
        async with app.open_async():
            started()
            await app.run_worker_async(concurrency=CONCURRENCY)


CONTESTANT = Procrastinate()
