"""Answers: JSON objects with an ETag, so that who asks again is told in one line: the same."""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request, Response

MEDIA_TYPE: Final = "application/json"


def answer(
    value: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """A value as JSON."""
    return Response(_encoded(value), status, dict(headers or {}), MEDIA_TYPE)


def look(request: Request, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON with its ETag; nothing but 304 for whoever has it already."""
    body = _encoded(value)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    told = {"ETag": tag, "Cache-Control": "no-cache", **(headers or {})}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(None, HTTPStatus.NOT_MODIFIED, told)
    return Response(body, HTTPStatus.OK, told, MEDIA_TYPE)


def page(request: Request, found: list[dict[str, Any]], limit: int) -> Response:
    """A page of what has ids, newest first, with a link to the next if there may be one."""
    before = found[-1]["id"] if len(found) == limit else None
    return look(request, found, next_page(request, before, limit))


def next_page(request: Request, before: int | None, limit: int) -> dict[str, str]:
    """The header that leads to what lies below an id, with the same filters."""
    if before is None:
        return {}
    asked = request.query_params.multi_items()
    kept = [(name, value) for name, value in asked if name not in ("before", "limit")]
    query = urlencode([*kept, ("limit", limit), ("before", before)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}


def _has(known: str, tag: str) -> bool:
    names = {name.strip().removeprefix("W/") for name in known.split(",")}
    return tag in names or known.strip() == "*"


def _encoded(value: Any) -> bytes:
    # ASCII: what cannot be encoded, if a worker was ever told such, must not be in the way
    return f"{json.dumps(value, allow_nan=False, separators=(',', ':'))}\n".encode()
