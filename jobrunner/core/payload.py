"""Arguments and results as JSON text, checked before they are stored."""

import json
import re
from typing import Any, Final

from jobrunner.core.errors import PayloadError

LIMIT: Final = 1024 * 1024
"""The largest stored value, in bytes of UTF-8 (1 MiB)."""

_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL in JSON text; after an escaped backslash, `u0000` is plain text."""

_DECODER: Final = json.JSONDecoder()
_ENCODER: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def encode(value: Any, *, what: str) -> str:
    """Turn `value` into JSON text that both databases can store.

    `what` names the value in an error: `args`, `result`.

    Raises:
        PayloadError: it is not JSON (NaN included), holds a NUL character or a lone
            surrogate, or is larger than `LIMIT`.
    """
    try:
        text = _ENCODER.encode(value)
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise _refused(what, "holds a lone surrogate, which is not valid text") from error
    except RecursionError as error:
        raise _refused(what, "is nested too deeply") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(what, f"is not JSON: {error}") from error
    if size > LIMIT:
        raise PayloadError(
            f"{what} is {size:,} bytes, over the limit of {LIMIT:,}",
            field=what,
            hint="Store the data in a file or object store and pass its name.",
        )
    if "\\u0000" in text and _NUL.search(text):
        raise _refused(what, "holds a NUL character")
    return text


def decode(text: str | None) -> Any:
    """Read back what `encode` wrote; nothing stored is `None`.

    Raises:
        ValueError: it is not JSON.
    """
    return None if text is None else _DECODER.decode(text)


def check_text(text: object, *, what: str) -> str:
    """Accept a string that both databases can store.

    Raises:
        PayloadError: it is no string, or holds a NUL character or a lone surrogate.
    """
    if not isinstance(text, str):
        raise _refused(what, f"must be text, not {type(text).__name__}")
    if "\0" in text:
        raise _refused(what, "holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _refused(what, "holds a lone surrogate, which is not valid text") from error
    return text


def _refused(what: str, problem: str) -> PayloadError:
    return PayloadError(f"{what} {problem}", field=what, hint="Pass plain JSON values.")
