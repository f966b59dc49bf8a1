"""The app: gate, REST and pages put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from jobrunner import _version
from jobrunner.task_queue import TaskQueue
from jobrunner.web import api, assets, limits, pages
from jobrunner.web.ahead import Ahead
from jobrunner.web.api import document, health
from jobrunner.web.api.allowed import Allowed
from jobrunner.web.api.document import DocumentedApp
from jobrunner.web.api.segments import Segments
from jobrunner.web.csrf import Words
from jobrunner.web.gate import Gate
from jobrunner.web.glance import Glance
from jobrunner.web.options import ServeOptions
from jobrunner.web.pages import view
from jobrunner.web.problems import tell_problems
from jobrunner.web.stream import Feed

GRACE: Final = 3.0
"""Seconds that what is looked at by itself gets to end in."""


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncGenerator[None]:
    """What ends with the server."""
    yield
    app.state.feed.end()
    await run_in_threadpool(app.state.glance.findings.close, GRACE)


@cache
def _routes() -> list[BaseRoute]:
    """All of them, once a process: to look through their parameters takes FastAPI 40 ms an app."""
    found = APIRouter()
    for router in (health.router, document.router, api.router, pages.router):
        found.include_router(router)
    return found.routes


def create_app(queue: TaskQueue, options: ServeOptions | None = None) -> FastAPI:
    """An ASGI app that serves a queue."""
    options = options or ServeOptions()
    app = DocumentedApp(
        title="jobrunner",
        version=_version.__version__,
        openapi_url=None,  # as every route, it wants to know who asks: see `document`
        docs_url=None,  # its page would load from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # whoever is not known would be led on, and a name be changed
        lifespan=_living,
    )
    app.state.queue = queue
    app.state.options = options
    app.state.feed = Feed(queue)
    app.state.glance = Glance(queue, app.state.feed)
    app.state.csrf = Words()
    app.state.reports = limits.Turns()
    app.state.forecasts = limits.Turns()
    app.state.ahead = Ahead(queue)
    monotonic = queue.clock.monotonic
    app.state.rates = limits.Rates(limits.ACTS_A_SECOND, limits.ACTS_AT_ONCE, monotonic)
    app.state.logins = limits.Rates(limits.LOGINS_A_SECOND, limits.LOGINS_AT_ONCE, monotonic)
    tell_problems(app, view.render)
    app.router.routes += _routes()
    assets.mount(app)
    app.add_middleware(Allowed, methods=app.methods)
    app.add_middleware(Segments)
    app.add_middleware(Gate, names=options.names)
    return app
