"""The rule of uniqueness as a JSON line tells it."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any, Final, cast

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.fields import is_list, shown
from jobrunner.core.status import FINAL, Status
from jobrunner.core.unique import LIVE, WAITING, Unique

WORDS: Final = ("waiting", "live", *(status.value for status in Status if status in FINAL))
"""While what another task has its key; what is final goes with `live`."""

KEYS: Final = ("key", "by", "within", "in", "on_conflict", "max_wait")
"""What the object `unique` of a line may say."""


def from_line(value: object, seconds: Callable[[str, object], timedelta]) -> Any:
    """The rule of a line: a text is a key, an object a rule; `seconds` reads a span.

    Raises:
        InvalidTaskError: it is neither, or makes no sense.
    """
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    unknown = [name for name in fields if name not in KEYS]
    if unknown:
        raise InvalidTaskError(
            f"unknown key {unknown[0]!r} in unique", hint=f"Known: {', '.join(KEYS)}."
        )
    return Unique(**_read(fields, seconds))


def _read(fields: Mapping[str, Any], seconds: Callable[[str, object], timedelta]) -> dict[str, Any]:
    found = {name: value for name, value in fields.items() if value is not None}
    for name in ("within", "max_wait"):
        if name in found:
            found[name] = seconds(f"unique.{name}", found[name])
    if "in" in found:
        words = found.pop("in")
        found["in_"] = statuses_of([words] if isinstance(words, str) else words)
    return found


def statuses_of(words: Sequence[str]) -> frozenset[Status]:
    """While what another task has the key, of words among `WORDS`.

    Raises:
        InvalidTaskError: one is no such word, or there is none.
    """
    if not is_list(words) or not words or any(word not in WORDS for word in words):
        raise InvalidTaskError(
            f"a task is unique while {', '.join(WORDS[:-1])} or {WORDS[-1]}, not {shown(words)}",
            field="unique.in_",
        )
    ends = {Status(word) for word in words if word in FINAL}
    return WAITING if set(words) == {"waiting"} else LIVE | ends


def words_of(statuses: AbstractSet[Status]) -> list[str]:
    """The words that `statuses_of` reads."""
    if statuses == WAITING:
        return ["waiting"]
    return ["live", *sorted(status.value for status in statuses - LIVE)]
