"""Rare options of a task that lie beside its arguments, as one JSON object by their names."""

from collections.abc import Mapping
from typing import Any

from jobrunner.core import payload


def encode(extras: Mapping[str, Any]) -> str | None:
    """JSON text of the options there are; `None` for a task without any."""
    return payload.encode(dict(extras), what="extras") if extras else None


def decode(text: str | None) -> dict[str, Any]:
    """Read back what `encode` wrote."""
    found: dict[str, Any] = payload.decode(text) or {}
    return found
