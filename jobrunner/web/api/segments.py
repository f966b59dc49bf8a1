"""Names in paths: one with a `/` of its own, sent as `%2F`, stays one part of its path."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

SLASH: Final = "\ud800"
"""Stands for a `/` inside of a part: nothing that is decoded from UTF-8 holds it."""

PREFIX: Final = b"/api/"


class Segments:
    """Middleware: a path is taken apart before its parts are decoded, and not after it."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request, its path with `SLASH` where a name has a `/`."""
        if scope["type"] == "http":
            scope = _kept(scope)
        await self._app(scope, receive, send)


def _kept(scope: Mapping[str, Any]) -> dict[str, Any]:
    raw: bytes = scope.get("raw_path") or b""
    raw = raw.partition(b"?")[0]
    if not raw.startswith(PREFIX) or b"%" not in raw:
        return dict(scope)
    parts = [unquote(part, errors="replace") for part in raw.decode("ascii", "replace").split("/")]
    return {**scope, "path": "/".join(part.replace("/", SLASH) for part in parts)}


def name_of(part: object) -> object:
    """The name that a part of a path stands for."""
    return part.replace(SLASH, "/") if isinstance(part, str) else part
