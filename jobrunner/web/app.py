"""The app: gate, REST and pages put together."""

from fastapi import FastAPI

from jobrunner import _version
from jobrunner.task_queue import TaskQueue
from jobrunner.web import api, pages
from jobrunner.web.options import ServeOptions
from jobrunner.web.problems import tell_problems


def create_app(queue: TaskQueue, options: ServeOptions | None = None) -> FastAPI:
    """An ASGI app that serves a queue."""
    app = FastAPI(
        title="jobrunner",
        version=_version.__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page would load from elsewhere
        redoc_url=None,
    )
    app.state.queue = queue
    app.state.options = options or ServeOptions()
    app.state.feed = None
    tell_problems(app)
    app.include_router(api.router)
    app.include_router(pages.router)
    return app
