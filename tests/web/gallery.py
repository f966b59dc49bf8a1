"""Each part that pages are made of, with made-up data, served under the policy of the real pages.

Usage: python -m tests.web.gallery [port]
"""

import asyncio
import contextlib
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import ChoiceLoader, FileSystemLoader
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobrunner.web import assets
from jobrunner.web.pages import view
from tests.web import made_up
from tests.web.browser import ready

POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)


class Strict:
    """Sends the policy with every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self.app(scope, receive, tell)


class Gallery:
    """The app, and what a test may change of it and see."""

    def __init__(self) -> None:
        self.counts = dict(made_up.COUNTS)
        self.graph = made_up.graph()
        self.series = made_up.series()
        self.timeline = made_up.timeline()
        self.has_stream = True
        self.heard: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.streams: list[asyncio.Queue[str | None]] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        environment = view.environment()
        places = [environment.loader, FileSystemLoader(Path(__file__).parent / "templates")]
        self.templates = environment.overlay(loader=ChoiceLoader(places))
        self.app = Starlette(
            routes=[
                Route("/api/v1/events", self.events),
                Route("/api/v1/status", self.status),
                Route("/graph.json", lambda _: JSONResponse(self.graph)),
                Route("/series.json", lambda _: JSONResponse(self.series)),
                Route("/timeline.json", lambda _: JSONResponse(self.timeline)),
                Route("/act", self.act, methods=["POST"]),
                Route("/{rest:path}", self.page),
            ]
        )
        assets.mount(self.app)
        self.app.router.routes.insert(0, self.app.router.routes.pop())
        self.served = Strict(self.app)

    def page(self, request: Request) -> Response:
        """The gallery at `/`, a small page anywhere else."""
        name = "gallery.html" if request.url.path == "/" else "plain.html"
        context = view.known(request) | {
            "csrf_token": "t0ken",
            "made_up": made_up,
            "counts": self.counts,
            "flashes": [{"level": "info", "text": f"A message: {made_up.HOSTILE}"}],
        }
        return Response(self.templates.get_template(name).render(context), media_type="text/html")

    async def act(self, request: Request) -> Response:
        """Note what was sent, and fail where that is asked for."""
        form = dict(await request.form())
        self.sent.append(form | {"header": request.headers.get("X-CSRF-Token")})
        if form.get("fail"):
            problem = {"detail": f"refused {made_up.HOSTILE}", "hint": "Try another."}
            return JSONResponse(problem, status_code=409)
        if request.headers.get("HX-Request"):
            return Response("<p>done</p>", media_type="text/html")
        return RedirectResponse("/done", status_code=303)

    async def status(self, _request: Request) -> Response:
        """What pollers ask for."""
        return JSONResponse({"counts": self.counts})

    async def events(self, request: Request) -> Response:
        """The stream; each gets the counts at once."""
        self.heard.append(request.url.query)
        if not self.has_stream:
            return Response(status_code=204)
        self.loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self.streams.append(queue)
        queue.put_nowait(self._event())
        return StreamingResponse(self._said(queue), media_type="text/event-stream")

    async def _said(self, queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
        try:
            while (text := await queue.get()) is not None:
                yield text
        finally:
            self.streams.remove(queue)

    def _event(self) -> str:
        data = json.dumps({"counts": self.counts})
        return f"id: t{len(self.heard)}-a7\nevent: changes\ndata: {data}\n\n"

    def announce(self, **counts: int) -> None:
        """Tell all streams that something has changed."""
        self.counts |= counts
        for queue in self.streams:
            assert self.loop
            self.loop.call_soon_threadsafe(queue.put_nowait, self._event())

    def hang_up(self) -> None:
        """End all streams."""
        for queue in self.streams:
            assert self.loop
            self.loop.call_soon_threadsafe(queue.put_nowait, None)


class Server(uvicorn.Server):
    """Tells when it takes connections."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        )
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@contextlib.contextmanager
def serving(gallery: Gallery, port: int = 0) -> Iterator[str]:
    """Serve it for as long as the block lasts; at a free port unless one is named."""
    server = Server(gallery.served)
    with socket.create_server(("127.0.0.1", port)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            assert server.is_up.wait(30)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            gallery.hang_up()
            server.should_exit = True
            thread.join(30)


def drawn(page: Page, url: str) -> None:
    """Go to the gallery, and wait until all its drawings are there."""
    ready(page, url)
    expect(page.locator(".chart canvas")).to_have_count(3)
    expect(page.locator(".graph .node")).to_have_count(11)
    expect(page.locator(".gantt-bar")).to_have_count(8)
    expect(page.locator(".timeline-names div")).to_have_count(16)


if __name__ == "__main__":
    with serving(Gallery(), int(sys.argv[1]) if sys.argv[1:] else 8765) as url:
        print(url)  # noqa: T201 — for whoever starts it by hand
        threading.Event().wait()
