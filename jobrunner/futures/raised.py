"""What a function raised elsewhere, as far as the one line that is stored of it tells."""

import ast
import builtins
import contextlib
import re
from typing import Final

from jobrunner.core.errors import TaskFailedError

_TOLD: Final = re.compile(r"(\w+)(?:: (.*))?", re.DOTALL)


def rebuilt(failed: TaskFailedError) -> BaseException:
    """The same built-in exception, caused by `failed`; of any other class, `failed` itself.

    A name in a row never has anything imported.
    """
    told = _TOLD.fullmatch(failed.error or "")
    kind = getattr(builtins, told[1], None) if told else None
    if told is None or not isinstance(kind, type) or not issubclass(kind, Exception):
        return failed
    try:
        error = kind() if told[2] is None else kind(_message(kind, told[2]))
    except TypeError:  # it is made of more than a text
        return failed
    error.__cause__ = failed
    return error


def _message(kind: type[Exception], text: str) -> object:
    """The text, or of a missing key the key itself: it is told in quotes."""
    if issubclass(kind, KeyError):
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(text)
    return text
