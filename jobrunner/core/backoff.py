"""How long a failed task waits before its next attempt."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

Backoff = Callable[[int], timedelta]
"""From the number of failures so far (1 after the first) to the wait."""

BASE: Final = timedelta(seconds=15)
CAP: Final = timedelta(hours=1)
JITTER: Final = 0.1


def exponential(failures: int, *, jitter: float = 0.0) -> timedelta:
    """`15 s + 2^n s`, at most one hour, spread by up to ±10 %.

    Oban's rule for people: the first retry comes within seconds, the fifth within a minute.
    `jitter` is from -1 to 1 and comes from the caller, so that the rule stays pure.
    """
    exponent = min(max(failures, 0), 20)
    wait = min(BASE + timedelta(seconds=2**exponent), CAP)
    return wait * (1 + JITTER * max(-1.0, min(1.0, jitter)))
