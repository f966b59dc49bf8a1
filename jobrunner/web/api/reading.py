"""How a request is read: JSON and nothing else, each key once, no deeper than anybody needs."""

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from http import HTTPStatus
from typing import Any, Final, TypeGuard

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import HTTPException
from fastapi.routing import APIRoute

from jobrunner.web.identity import identified
from jobrunner.web.serving import options_of, queue_of

DEEPEST: Final = 100
"""Lists and objects inside each other. Whoever reads them again may have less room for it."""

SMALL: Final = 64 * 1024
"""Bytes that are read in an instant."""

SAFE: Final = ("GET", "HEAD", "OPTIONS")


class StrictRequest(Request):
    """A request whose JSON is that of RFC 8259, to the letter."""

    async def json(self) -> Any:
        """The body.

        Raises:
            HTTPException: it is not JSON.
        """
        body = await self.body()
        if len(body) <= SMALL:
            return read_json(body)
        return await run_in_threadpool(read_json, body)  # others are answered meanwhile


class StrictRoute(APIRoute):
    """A route that takes JSON only, from whom it knows, and says so before it reads."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Look at the type first, then read strictly."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            _check_type(request)
            if request.method not in SAFE:  # FastAPI reads the body before it asks who sends it
                await run_in_threadpool(identified, request, queue_of(request), options_of(request))
            try:
                return await handle(StrictRequest(request.scope, request.receive))
            except RecursionError:
                raise _bad("the body is nested too deeply") from None

        return strictly


def read_json(raw: bytes) -> Any:
    """A value from its text.

    Raises:
        HTTPException: it is not JSON, or nested too deeply.
    """
    try:
        found: Any = json.loads(
            raw.decode(), parse_constant=_no_constant, object_pairs_hook=_each_once
        )
    except UnicodeDecodeError:
        raise _bad("the body is not UTF-8") from None
    except RecursionError:
        raise _bad("the body is nested too deeply") from None
    except ValueError as error:
        raise _bad(f"the body is not JSON: {error}") from None
    if raw.count(b"[") + raw.count(b"{") > DEEPEST:
        _check_depth(found)
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _check_depth(value: Any) -> None:
    """Layer by layer: a function that calls itself would be stopped by what it looks for."""
    layer = [value]
    for _ in range(DEEPEST + 1):
        layer = [one for outer in layer for one in _inside(outer)]
        if not layer:
            return
    raise _bad(f"the body is nested too deeply: {DEEPEST} lists and objects are the most")


def _inside(value: Any) -> list[Any]:
    if is_object(value):
        return list(value.values())
    return value if is_array(value) else []


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object of JSON."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether it is a list of JSON."""
    return isinstance(value, list)


def _check_type(request: Request) -> None:
    if request.method in SAFE:
        return
    said = request.headers.get("content-type")
    if said is None:
        empty = request.headers.get("content-length", "0") == "0"
        if empty and "transfer-encoding" not in request.headers:
            return
    message = Message()
    message["content-type"] = said or ""
    charset = message.get_content_charset("utf-8")
    if said is None or message.get_content_type() != "application/json" or charset != "utf-8":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "only Content-Type: application/json is taken here"
        )


def _bad(problem: str) -> HTTPException:
    return HTTPException(HTTPStatus.BAD_REQUEST, problem)
