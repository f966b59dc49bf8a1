"""Rates and amounts of resources as people write them."""

import re
from typing import Final

from jobrunner.cli.spans import parse_span
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.limits import Rate

_AMOUNT: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,9}")


def parse_amounts(text: str) -> dict[str, float]:
    """Read `gpu=1,memory=4.5`.

    Raises:
        ConfigurationError: it is nothing of the kind, or names a resource twice.
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, _, amount = part.strip().partition("=")
        if not name or not _AMOUNT.fullmatch(amount) or name in found:
            hint = "Write names with amounts, each name once: gpu=1,memory=4."
            raise ConfigurationError(f"{part!r} is no amount of a resource", hint=hint)
        found[name] = float(amount) if "." in amount else int(amount)
    return found


def parse_rate(text: str) -> Rate:
    """Read `10/1m`: ten in any minute; `10/m` is the same.

    Raises:
        ConfigurationError: it is nothing of the kind.
    """
    number, sign, period = text.partition("/")
    if not sign or not _WHOLE.fullmatch(number):
        hint = "Write how many in which time: 10/1m, 5/s, 1000/1d."
        raise ConfigurationError(f"{text!r} is no rate", hint=hint)
    return Rate(int(number), parse_span(f"1{period}" if period.isalpha() else period))


def rate_text(rate: Rate | None) -> str:
    """A rate as it is written: `10/60s`."""
    return "" if rate is None else f"{rate.number}/{rate.period.total_seconds():g}s"
