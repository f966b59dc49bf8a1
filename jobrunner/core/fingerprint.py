"""Errors that say the same of different things have one fingerprint."""

import hashlib
import re
from functools import lru_cache
from typing import Final

LONGEST: Final = 1_000
"""Characters of an error that are looked at."""

_MASKS: Final = (
    (re.compile(r"[a-z][a-z0-9+.-]{0,20}://[^\s'\"<>]+", re.IGNORECASE), "<url>"),
    (re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`"), "<text>"),
    (re.compile(r"(?<![\w<])[A-Za-z]:\\[^\s:,;]+|(?<![\w<])[\w.~-]{0,255}/[^\s:,;'\"]+"), "<path>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)
"""What is replaced, in this order: no pattern can go back over more than a few characters."""


def normalised(error: str) -> str:
    """An error without what differs from task to task: numbers, hex, quotes, paths, addresses."""
    text = error[:LONGEST]
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.strip()


@lru_cache(maxsize=4_096)
def fingerprint(function: str | None, error: str | None) -> str:
    """16 hexadecimal digits that are the same for errors of a function that say the same."""
    told = f"{function or ''}\0{normalised(error or '')}"
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()[:16]
