"""Amounts of memory as people write and read them."""

import re
from typing import Final

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.fields import shown

_UNITS: Final = ("", "K", "M", "G", "T")
_WRITTEN: Final = re.compile(r"(\d+(?:\.\d+)?)\s?(?:([KMGT])(?:i?B)?|B)?", re.ASCII | re.IGNORECASE)


def parse_size(text: str) -> int:
    """Read `512M`, `1.5G`, `300 MiB`, `65536` as bytes; a K is 1,024 of them.

    Raises:
        ConfigurationError: it is none of them.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        hint = "Write bytes, or 512M, 1.5G."
        raise ConfigurationError(f"{shown(text)} is no amount of memory", hint=hint)
    return int(float(found[1]) * 1024 ** _UNITS.index((found[2] or "").upper()))


def size_text(size: float | None) -> str:
    """Bytes for people: `812 B`, `1.5 MiB`, `12 GiB`."""
    if size is None:
        return "-"
    unit = 0
    while size >= 1023.5 and unit < len(_UNITS) - 1:  # noqa: PLR2004 — 1,024, once rounded
        size, unit = size / 1024, unit + 1
    digits = 1 if unit and size < 99.95 else 0  # noqa: PLR2004 — a hundred, once rounded
    return f"{size:,.{digits}f} {_UNITS[unit]}{'iB' if unit else 'B'}"
