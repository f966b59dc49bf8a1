"""Unique keys as the command line and JSON lines tell them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, cast

import typer

from jobrunner.cli.spans import parse_span
from jobrunner.core.errors import ConfigurationError, InvalidTaskError
from jobrunner.core.fields import is_list, shown
from jobrunner.core.status import FINAL, Status
from jobrunner.core.unique import LIVE, WAITING, Unique

WORDS: Final = ("waiting", "live", *(status.value for status in Status if status in FINAL))
"""While what another task has its key; what is final goes with `live`."""

KEYS: Final = ("key", "by", "within", "in", "on_conflict", "max_wait")
"""What the object `unique` of a line may say."""


UniqueKey = Annotated[str | None, typer.Option(metavar="KEY", help="At most one task of this key.")]
UniqueFor = Annotated[str | None, typer.Option(help="Only for so long after the other was stored.")]
UniqueWhile = Annotated[
    list[str] | None,
    typer.Option(help=f"While the other is: {', '.join(WORDS)}; repeatable, default live."),
]
IfExists = Annotated[str | None, typer.Option(help="error, ignore or replace; default error.")]
MaxWait = Annotated[str | None, typer.Option(help="With replace: put off by at most so long.")]


def from_options(key: str | None, **options: Any) -> Unique | None:
    """The rule of `--unique KEY` and the options beside it, by the names of the flags.

    Raises:
        ConfigurationError: one of those has no meaning, or there is no key.
        InvalidTaskError: the rule makes no sense.
    """
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if key is None:
        for name in given:
            flag = name.replace("_", "-")
            raise ConfigurationError(f"--{flag} goes with --unique", hint="Add --unique KEY.")
        return None
    fields: dict[str, Any] = {}
    if "unique_for" in given:
        fields["within"] = parse_span(given["unique_for"])
    if "max_wait" in given:
        fields["max_wait"] = parse_span(given["max_wait"])
    if "if_exists" in given:
        fields["on_conflict"] = given["if_exists"]
    if "unique_while" in given:
        fields["in_"] = _statuses(given["unique_while"])
    return Unique(key=key, **fields)


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
        found["in_"] = _statuses([words] if isinstance(words, str) else words)
    return found


def _statuses(words: Sequence[str]) -> frozenset[Status]:
    if not is_list(words) or not words or any(word not in WORDS for word in words):
        raise InvalidTaskError(
            f"a task is unique while {', '.join(WORDS[:-1])} or {WORDS[-1]}, not {shown(words)}",
            field="unique.in_",
        )
    ends = {Status(word) for word in words if word in FINAL}
    return WAITING if set(words) == {"waiting"} else LIVE | ends
