"""The header `Allow` of an answer 405: all methods of a path, be they of several routes."""

from collections.abc import Callable, Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REFUSED = 405


class Allowed:
    """Middleware that completes it: a router names the methods of one route only."""

    def __init__(self, app: ASGIApp, methods: Callable[[str], Sequence[str]]) -> None:
        """`methods` tells those of a path."""
        self._app = app
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request, and complete what is answered."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == REFUSED:
                known = self._methods(scope["path"])
                if known:
                    MutableHeaders(scope=message)["Allow"] = ", ".join(known)
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)
