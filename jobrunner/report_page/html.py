"""HTML from Python values: whatever is not HTML already is escaped."""

from collections.abc import Iterable
from html import escape
from typing import Final

from jobrunner.core.visible import visible

VOID: Final = frozenset({"meta", "rect", "path", "line"})
"""Elements without an inside; those of SVG are closed at once."""


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


Inside = Html | str | float | None | Iterable["Inside"]


def text(value: object) -> Html:
    """A text as it is to be read, with what could move or hide others shown as escapes."""
    return Html(escape(visible(str(value), keep="\n\t")))


def join(*inside: Inside) -> Html:
    """Some of it, one after the other; nothing for `None`."""
    return Html("".join(map(_told, inside)))


def element(tag: str, /, *inside: Inside, **attributes: str | float | None) -> Html:
    """An element; `class_` is its class, `_` in other names a `-`, and `None` leaves one out."""
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{told}/>" if tag in VOID else f"<{tag}{told}>{join(inside)}</{tag}>")


def _told(one: Inside) -> str:
    if one is None:
        return ""
    if isinstance(one, Html):
        return one
    if isinstance(one, str | int | float):
        return text(one)
    return join(*one)
