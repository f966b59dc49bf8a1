"""What each route may ask of the app that it is part of: the queue and the options."""

from typing import Annotated, cast

from fastapi import Depends, Request

from jobrunner.task_queue import TaskQueue
from jobrunner.web.options import ServeOptions


def queue_of(request: Request) -> TaskQueue:
    """The queue that is served."""
    return cast("TaskQueue", request.app.state.queue)


def options_of(request: Request) -> ServeOptions:
    """How it is served."""
    return cast("ServeOptions", request.app.state.options)


Queue = Annotated[TaskQueue, Depends(queue_of)]
Options = Annotated[ServeOptions, Depends(options_of)]
