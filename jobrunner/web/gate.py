"""What every request passes before anything is read of it, and what every answer carries."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from fastapi import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobrunner.web.csrf import SAFE_METHODS
from jobrunner.web.headers import SECURITY_HEADERS
from jobrunner.web.limits import LARGEST_BODY, SLOWEST_BODY
from jobrunner.web.problems import problem

PROBES: Final = frozenset({"/livez", "/readyz"})
"""Who runs servers asks these by an address, and they tell nothing."""

OWN_PAGES: Final = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of a request of our own pages, and of one that a person typed."""


class Gate:
    """Lets a request through if it names this server, comes from its pages, and is small."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        """`names` is what the header Host may say."""
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if refused is not None:
            await refused(scope, receive, sending)
        else:
            await self._app(scope, bounded(receive), sending)

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if scope["path"] not in PROBES and not self._is_ours(hosts):
            return problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server is not called so",
                kind="unknown-host",
                hint="Name it to `jobrunner serve` with --allowed-host NAME:PORT.",
            )
        if scope["method"] not in SAFE_METHODS and not is_of_own_page(headers, hosts):
            return problem(
                HTTPStatus.FORBIDDEN,
                "a page of another site has sent this request",
                kind="cross-site",
                hint="Use the pages of this server, or a program.",
            )
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or len(length) > len(str(LARGEST_BODY)):
            return too_large()
        return too_large() if int(length) > LARGEST_BODY else None

    def _is_ours(self, hosts: Sequence[str]) -> bool:
        return len(hosts) == 1 and hosts[0].lower() in self._names


def is_of_own_page(headers: Headers, hosts: Sequence[str]) -> bool:
    """Whether a request is of a page of this server, or of no browser.

    Every browser tells where a request that may change something comes from.
    """
    if any(site not in OWN_PAGES for site in headers.getlist("sec-fetch-site")):
        return False
    origins = headers.getlist("origin")
    return all(origin.lower().partition("://")[2] in _lower(hosts) for origin in origins)


def _lower(hosts: Sequence[str]) -> list[str]:
    return [host.lower() for host in hosts]


def too_large() -> Response:
    """The answer to a body that nobody reads."""
    return problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is over the limit of {LARGEST_BODY:,} bytes",
        kind="body-too-large",
        hint="Send less at a time.",
    )


def bounded(receive: Receive) -> Receive:
    """What arrives, as long as it is not too much and not too slow, whatever its header said."""
    size = 0
    is_over = False
    latest: float | None = None

    async def receiving() -> Message:
        nonlocal size, is_over, latest
        if is_over:
            return await receive()
        if latest is None:
            latest = asyncio.get_running_loop().time() + SLOWEST_BODY
        try:
            async with asyncio.timeout_at(latest):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time"
            ) from None
        is_over = message["type"] != "http.request" or not message.get("more_body", False)
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the body is over the limit of {LARGEST_BODY:,} bytes",
            )
        return message

    return receiving
