"""Arguments of a function as words of a command line: `name=text` and `name:=json`."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from jobrunner.core.errors import InvalidTaskError

_ARGUMENT: Final = re.compile(r"([^\W\d]\w*)(:?=)(.*)", re.DOTALL)


def named_arguments(arguments: Sequence[str]) -> dict[str, Any]:
    """Read words such as `name=text` and `name:=json`.

    Raises:
        InvalidTaskError: one is none, or a name comes twice.
    """
    kwargs: dict[str, Any] = {}
    for name, value in map(_argument, arguments):
        if name in kwargs:
            raise InvalidTaskError(f"the argument {name!r} is given twice", field="kwargs")
        kwargs[name] = value
    return kwargs


def _argument(word: str) -> tuple[str, Any]:
    """Read `name=text` or `name:=json`."""
    match = _ARGUMENT.fullmatch(word)
    if match is None:
        raise InvalidTaskError(
            f"{word!r} is no argument", field="kwargs", hint="Write name=text or name:=json."
        )
    name, sign, value = match.groups()
    if sign == "=":
        return name, value
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidTaskError(
            f"{name}:={value[:60]} is not JSON: {error}",
            field="kwargs",
            hint=f"Quote it for the shell, or write {name}=… for plain text.",
        ) from error
