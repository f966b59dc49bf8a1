"""Text from tasks made harmless for terminals and logs."""

from typing import Final

_CONTROL: Final = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTION: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES: Final = {
    **{code: f"\\x{code:02x}" for code in _CONTROL},
    **{code: f"\\u{code:04x}" for code in _DIRECTION},
}

_JSON_ESCAPES: Final = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *_DIRECTION)}


def visible(text: str, *, keep: str = "") -> str:
    """Show control and direction characters as escapes, but for those to `keep`.

    A task's text could otherwise move the cursor, hide a line or reverse its words.
    """
    if text.isprintable():
        return text
    escapes = {code: shown for code, shown in _ESCAPES.items() if chr(code) not in keep}
    return text.translate(escapes)


def visible_json(text: str) -> str:
    r"""The same for JSON text: these characters stand only in its strings, where `\u` may too.

    Its writer has escaped the lower control characters already; line breaks are its own.
    """
    return text.translate(_JSON_ESCAPES)
