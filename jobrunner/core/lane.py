"""The lane a task waits in: what is under the same limits of its own waits in one line."""

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from jobrunner.core import fields, payload

LONGEST_KEY: Final = 500
"""Characters of a concurrency key: it stands in indexes."""


class Lane(NamedTuple):
    """A concurrency key, and what each task of the lane needs of its worker, by resource."""

    key: str | None
    needs: Mapping[str, float]


def check_amounts(field: str, amounts: Mapping[str, object]) -> None:
    """Accept a mapping from names of resources to amounts over 0, whatever the caller passed.

    Raises:
        InvalidTaskError: it is none.
    """
    if not fields.has_names(amounts):
        raise fields.invalid(field, "must be an object with names of resources for keys")
    for name, amount in amounts.items():
        payload.check_text(name, what=field)
        if not _is_amount(amount):
            problem = f"must give amounts over 0, not {name}={fields.shown(amount)}"
            raise fields.invalid(field, problem)


def _is_amount(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < math.inf


def encode(key: str | None, needs: Mapping[str, float]) -> str | None:
    """One text for equal lanes; `None` for a task that is under no limit of its own."""
    if key is None and not needs:
        return None
    amounts = {name: needs[name] for name in sorted(needs)}
    return json.dumps([key, amounts], ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=4096)
def decode(text: str | None) -> Lane:
    """Read back what `encode` wrote."""
    if text is None:
        return Lane(None, {})
    key, needs = json.loads(text)
    return Lane(key, needs)
