"""Secrets masked in what tasks hold and write, by what they are called and what they look like."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from jobrunner.core import secret_names as names
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.fields import is_list

MASK: Final = "••••"

DEEPEST: Final = 200
"""Below so many levels nothing is looked at, and nothing shown."""

SHORTEST: Final = 6
"""Characters of a secret that is known again where it has no name."""

MOST_KNOWN: Final = 100

LONGEST_NUMBER: Final = 1_000
"""Bits: Python does not write very many digits."""

_SWITCH: Final = re.compile(r"--?([\w-]{1,100})")
_SETTING: Final = re.compile(r"((?:--?)?[\w.-]{1,100}=)(.+)", re.DOTALL)
_LOGIN: Final = re.compile(r"([^:]{1,100}:).+", re.DOTALL)
_LOGINS: Final = ("-u", "--user", "--proxy-user")
_NAMING: Final = ("name", "key", "header", "variable")
_VALUE: Final = "value"


@dataclass(frozen=True, slots=True)
class Masking:
    """Masks the secrets of one task; `known` are those that are known by their values.

    Whole values are masked before anybody cuts them: half a secret has lost its name.
    """

    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, *values: Any, command: Sequence[str] = ()) -> Self:
        """What masks the secrets of these values, wherever else they stand."""
        found = {text for value in values for text in _secrets(value)}
        pairs = zip(command, _command(command, cls()), strict=True)
        found |= {_behind(before, after) for before, after in pairs if before != after}
        told = {text for text in found if len(text) >= SHORTEST}
        told |= {json.dumps(text)[1:-1] for text in told}
        return cls(tuple(sorted(told, key=len, reverse=True)[:MOST_KNOWN]))

    def text(self, text: str) -> str:
        """A text without them."""
        for secret in self.known:
            text = text.replace(secret, MASK)
        text = names.SHAPES.sub(MASK, text)
        text = names.HEADER.sub(rf"\g<head>{MASK}", text)
        text = names.OPTION.sub(_replaced, text)
        text = names.ASSIGNED.sub(_replaced, text)
        return names.ADDRESS.sub(rf"\g<head>{MASK}", text)

    def value(self, value: Any) -> Any:
        """A JSON value without them: by the keys of objects, and in each text."""
        return _value(value, self, 0)

    def command(self, words: Sequence[str]) -> list[str]:
        """The words of a command without them; the word behind `--password` is one."""
        return _command(words, self)


def restored(edited: Any, original: Any, masking: Masking) -> Any:
    """A value that somebody has edited while its secrets were masked, with them again.

    Raises:
        InvalidTaskError: a mask stands where there was no secret.
    """
    if edited == masking.value(original):
        return original
    if isinstance(edited, dict):
        parts = cast("dict[str, Any]", edited)
        old = cast("dict[str, Any]", original) if isinstance(original, dict) else {}
        shown = masking.value(old)
        return {
            name: old[name]
            if name in old and part == shown[name]
            else restored(part, old.get(name), masking)
            for name, part in parts.items()
        }
    if is_list(edited):
        before = list(original) if is_list(original) else []
        before += [None] * (len(edited) - len(before))
        return [restored(one, old, masking) for one, old in zip(edited, before, strict=False)]
    if isinstance(edited, str) and MASK in edited:
        raise InvalidTaskError(
            f"{MASK} stands for a secret, and there is none in this place",
            hint="Write the value itself, or leave what was masked as it stood.",
        )
    return edited


def _value(value: Any, masking: Masking, depth: int) -> Any:
    if depth > DEEPEST:
        return "…"
    if isinstance(value, str):
        return masking.text(value)
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        is_named = _is_named(parts)
        return {
            masking.text(name): MASK
            if _hides(name, part) or (is_named and name == _VALUE)
            else _value(part, masking, depth + 1)
            for name, part in parts.items()
        }
    if is_list(value):
        if len(value) == 2 and isinstance(value[0], str) and _hides(value[0], value[1]):  # noqa: PLR2004 — a pair
            return [value[0], MASK]
        return [_value(part, masking, depth + 1) for part in value]
    return value


def _hides(name: str, value: Any) -> bool:
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return False
    if isinstance(value, int | float) and names.counts(name):
        return False
    return names.is_secret(name)


def _is_named(parts: Mapping[str, Any]) -> bool:
    """Whether it is such as `{"name": "API_KEY", "value": …}`."""
    told = (parts.get(name) for name in _NAMING)
    return _VALUE in parts and any(isinstance(one, str) and names.is_secret(one) for one in told)


def _secrets(value: Any, depth: int = 0) -> Iterable[str]:
    """The texts and numbers that are masked by their names."""
    if depth > DEEPEST:
        return
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        is_named = _is_named(parts)
        for name, part in parts.items():
            if _hides(name, part) or (is_named and name == _VALUE):
                yield from _leaves(part, depth)
            else:
                yield from _secrets(part, depth + 1)
    elif is_list(value):
        is_pair = len(value) == 2 and isinstance(value[0], str)  # noqa: PLR2004 — a pair
        if is_pair and _hides(value[0], value[1]):
            yield from _leaves(value[1], depth)
        else:
            for part in value:
                yield from _secrets(part, depth + 1)


def _leaves(value: Any, depth: int) -> Iterable[str]:
    if depth > DEEPEST:
        return
    if isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from _leaves(part, depth + 1)
    elif is_list(value):
        for part in value:
            yield from _leaves(part, depth + 1)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield _digits(value)


def _digits(number: int) -> str:
    return str(number) if number.bit_length() < LONGEST_NUMBER else ""


def _command(words: Sequence[str], masking: Masking) -> list[str]:
    return [_word(word, before, masking) for before, word in zip(("", *words), words, strict=False)]


def _word(word: str, before: str, masking: Masking) -> str:
    switch = _SWITCH.fullmatch(before)
    if switch and names.is_secret(switch[1]) and not _SWITCH.fullmatch(word):
        return MASK
    if before in _LOGINS and (login := _LOGIN.fullmatch(word)):
        return login[1] + MASK
    setting = _SETTING.fullmatch(word)
    if setting and _hides(setting[1], setting[2]):
        return setting[1] + MASK
    return masking.text(word)


def _behind(before: str, after: str) -> str:
    """What was masked at the end of a word; nothing where it stood elsewhere."""
    head = after.removesuffix(MASK)
    return before[len(head) :] if after.endswith(MASK) and before.startswith(head) else ""


def _replaced(match: re.Match[str]) -> str:
    bare = match["bare"]
    if bare is not None:
        name = match.groupdict().get("name") or ""
        return match[0] if bare.isdigit() and names.counts(name) else match["head"] + MASK
    return match["head"] + match["open"] + MASK + match["close"]
