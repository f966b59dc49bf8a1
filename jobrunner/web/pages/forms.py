"""The fields of a form, each read with an error that names it."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from jobrunner.core import fields
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.span import parse_span

Fields = Mapping[str, str]
"""The fields of a form as they were written."""

MANY: Final = "ids"
"""The field of which there may be many."""

LONGEST_NUMBER: Final = 20
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)


class Form:
    """A form that was sent: texts by name, and the ids that were chosen."""

    def __init__(self, texts: Fields, ids: list[int]) -> None:
        """What it holds."""
        self.texts = texts
        self.ids = ids

    def text(self, name: str) -> str:
        """What was written, without the blanks around it."""
        return self.texts.get(name, "").strip()


async def form_of(request: Request) -> Form:
    """What was sent; files are no part of any form here."""
    sent = await request.form()
    texts = {name: value for name, value in sent.items() if isinstance(value, str)}
    chosen = [value for value in sent.getlist(MANY) if isinstance(value, str)]
    ids = [int(value) for value in chosen if re.fullmatch(r"[0-9]{1,19}", value, re.ASCII)]
    return Form(texts, ids)


Sent = Annotated[Form, Depends(form_of)]


def integer(name: str, text: str) -> int:
    """A whole number.

    Raises:
        InvalidTaskError: it is none.
    """
    if not _INTEGER.fullmatch(text):
        raise fields.invalid(name, f"must be a whole number, not {fields.shown(text)}")
    return int(text)


def seconds(name: str, text: str) -> float:
    """A length of time in seconds.

    Raises:
        InvalidTaskError: it is none.
    """
    try:
        return parse_span(text).total_seconds()
    except ConfigurationError as error:
        raise fields.invalid(name, f"is no length of time: {fields.shown(text)}") from error


def moment(name: str, text: str) -> datetime:
    """A moment, in UTC unless it says its zone.

    Raises:
        InvalidTaskError: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        told = fields.shown(text)
        raise fields.invalid(name, f"must look like 2026-12-01T09:00+01:00, not {told}") from None


def value(name: str, text: str, kind: type[Any]) -> Any:
    """A JSON value of a kind: `list` or `dict`.

    Raises:
        InvalidTaskError: it is no JSON, or of another kind.
    """
    try:
        found = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise fields.invalid(name, f"must be JSON: {error}") from None
    if not isinstance(found, kind):
        told = "a list, such as [1, 2]" if kind is list else 'an object, such as {"path": "a.png"}'
        raise fields.invalid(name, f"must be {told}")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in pairs:
        if name in found:
            raise ValueError(f"{name!r} is there twice")
        found[name] = one
    return found
