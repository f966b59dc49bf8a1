"""FastAPI: workers that live as long as the application, and its queue as a dependency."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from jobrunner.core.errors import ConfigurationError
from jobrunner.runtime.background import BackgroundWorker
from jobrunner.runtime.options import WorkerOptions
from jobrunner.task_queue import TaskQueue

STATE: Final = "jobrunner"
"""What the queue is called in the state of a request."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]
"""What `FastAPI(lifespan=…)` takes."""


def lifespan(queue: TaskQueue, *, workers: int = 1, **settings: Any) -> Lifespan:
    """Open the queue when the application starts, and run so many tasks at a time beside it.

    Each process of the server runs `workers` of its own; none with 0. `settings` are other fields
    of `WorkerOptions`: `executor`, `queues`, `shutdown_grace`. When the application ends, they
    take no more tasks, and what runs has its grace.

    Raises:
        ConfigurationError: an option has no meaning.
    """
    options = WorkerOptions.of(concurrency=workers, **settings) if workers else None

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncGenerator[Mapping[str, Any]]:
        await asyncio.to_thread(lambda: queue.database)  # which may upgrade it
        worker = None if options is None else BackgroundWorker(queue, options)
        if worker is not None:
            worker.start()
        try:
            yield {STATE: queue}
        finally:
            if worker is not None:
                worker.stop("its application ends")
                await asyncio.to_thread(worker.join)

    return run


def get_queue(connection: HTTPConnection) -> TaskQueue:
    """The queue that `lifespan` opened, for `Depends`.

    Raises:
        ConfigurationError: the application was made without it.
    """
    found: TaskQueue | None = getattr(connection.state, STATE, None)
    if found is None:
        raise ConfigurationError(
            "the application has no queue", hint="Make it with FastAPI(lifespan=lifespan(queue))."
        )
    return found


Queue = Annotated[TaskQueue, Depends(get_queue)]
"""The type of a parameter that is the queue: `def order(queue: Queue)`."""
