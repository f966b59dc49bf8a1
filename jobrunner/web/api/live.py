"""What happens, as it happens: a stream for pages, or one answer for whoever asks now and then."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from jobrunner.core.errors import JobrunnerError
from jobrunner.core.insight import Cursor
from jobrunner.storage import workers
from jobrunner.task_queue import TaskQueue
from jobrunner.web import tab as tabs
from jobrunner.web.identity import Identity, Reader, identified
from jobrunner.web.options import ServeOptions
from jobrunner.web.problems import PROBLEM
from jobrunner.web.serving import Options, Queue
from jobrunner.web.stream import Feed
from jobrunner.web.tab import Tab
from jobrunner.web.update import Alive, Update

router = APIRouter(prefix="/events", tags=["events"])

ASK_EVERY: Final = 15.0
"""Seconds after which, before more is told, it is asked again whether it may be."""

STREAM: Final = "text/event-stream"
CURSOR: Final = r"^t(0|[1-9][0-9]{0,17})-a(0|[1-9][0-9]{0,17})$"

HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""A proxy that collects what it passes on would keep it from the page."""

Since = Annotated[
    str | None,
    Query(pattern=CURSOR, description="How far you were told.", examples=["t12-a34"]),
]
LastEventId = Annotated[
    str | None,
    Header(pattern=CURSOR, description="The same, as browsers send it; it goes before `since`."),
]

TOLD: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["cursor", "at", "counts", "lags", "rates", "workers", "enqueued", "ended"],
    "properties": {
        "cursor": {"type": "string", "pattern": CURSOR, "examples": ["t12-a34"]},
        "at": {"type": "string", "format": "date-time"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "lags": {"type": "boolean", "description": "The counts are a little older than the rest."},
        "rates": {"type": "object", "additionalProperties": {"type": "number"}},
        "workers": {"type": "object", "additionalProperties": {"type": "integer"}},
        "enqueued": {"type": "array", "items": {"type": "object"}},
        "ended": {"type": "array", "items": {"type": "object"}},
        "is_cut": {"type": "boolean", "description": "There was more; these are the newest."},
    },
}


class Stream(StreamingResponse):
    """A stream to one tab, which is forgotten however it ends."""

    def __init__(self, feed: Feed, tab: Tab, is_welcome: Callable[[], bool]) -> None:
        """`tab` listens to `feed` already; `is_welcome` tells whether it may do so still."""
        super().__init__(_sent(tab, is_welcome), media_type=STREAM, headers=HEADERS)
        self._feed = feed
        self._tab = tab

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until it ends, or nobody is there any more, or takes what is sent."""
        try:
            async with asyncio.timeout(tabs.LONGEST + tabs.HEARTBEAT):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            pass
        finally:
            self._feed.leave(self._tab)


async def _sent(tab: Tab, is_welcome: Callable[[], bool]) -> AsyncIterator[bytes]:
    monotonic = asyncio.get_running_loop().time
    asked = monotonic()
    async for event in tab.sending():
        if event != tabs.SILENCE and monotonic() - asked > ASK_EVERY:
            if not await run_in_threadpool(is_welcome):
                return
            asked = monotonic()
        yield event


def _is_known(request: Request, queue: TaskQueue, options: ServeOptions, who: Identity) -> bool:
    """Whether they may see this still: a token can be removed."""
    with contextlib.suppress(JobrunnerError):
        return identified(request, queue, options) == who
    return False


@router.get(
    "",
    operation_id="follow_the_changes",
    summary="What happens: counts, rates, tasks that were stored and attempts that ended",
    response_class=Response,
    responses={
        200: {
            "description": "A stream for whoever accepts `text/event-stream`, else one answer.",
            "content": {
                "application/json": {"schema": TOLD},
                STREAM: {"schema": {"type": "string"}},
            },
        },
        401: PROBLEM,
        403: PROBLEM,
        422: PROBLEM,
        503: PROBLEM,
    },
)
async def follow(
    request: Request,
    queue: Queue,
    options: Options,
    who: Reader,
    since: Since = None,
    last_event_id: LastEventId = None,
) -> Response:
    """At most four events a second, each named `changes`; its id is the cursor to go on from.

    Whoever does not accept `text/event-stream` gets one such object: ask again with its cursor.
    """
    cursor = last_event_id or since
    behind = None if cursor is None else Cursor.parse(cursor)
    if STREAM in request.headers.get("accept", ""):
        feed = cast("Feed", request.app.state.feed)
        is_welcome = partial(_is_known, request, queue, options, who)
        return Stream(feed, feed.listen(behind, who.name), is_welcome)
    told = await run_in_threadpool(_once, queue, behind)
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def _once(queue: TaskQueue, since: Cursor | None) -> dict[str, Any]:
    changes = queue.insight.changes(since)
    alive = Alive.of(queue.store.read(workers.alive))
    return Update(queue.clock.now(), changes, alive).as_object()
