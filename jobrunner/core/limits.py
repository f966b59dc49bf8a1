"""How much of a queue or a concurrency key may run at a time, and how often it may start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypedDict

from jobrunner.core import fields
from jobrunner.core.status import Status

SEPARATOR: Final = ":"
"""What stands behind the name of a rule in each of the keys that it holds for."""

MOST_AT_A_TIME: Final = 1_000_000
MOST_STARTS: Final = 100_000
"""Of one period: a claim counts them all."""


class Rate(NamedTuple):
    """At most so many starts in any period."""

    number: int
    period: timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so many at a time, and at most so many starts in a period; `None` is no limit."""

    concurrency: int | None = None
    rate: Rate | None = None


class LimitChange(TypedDict, total=False):
    """What becomes of limits: what is left out stays as it is, `None` lifts a limit."""

    concurrency: int | None
    rate: Rate | None


Period = timedelta | float | int


class NewLimits(TypedDict, total=False):
    """What is left out stays as it is; `None` lifts a limit.

    `concurrency` is how many may run at a time; `rate` how many may start in any period, and the
    period as a timedelta or in seconds: `(10, 60)`.
    """

    concurrency: int | None
    rate: tuple[int, Period] | None


UNRULED_KEY: Final = Limits(concurrency=1)
"""What holds for a concurrency key that no rule names: one at a time."""


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """A queue: how many tasks of it stand where, and what people have set for it."""

    name: str
    limits: Limits
    paused_at: datetime | None = None
    tasks: Mapping[Status, int] = field(default_factory=dict[Status, int])


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A concurrency key, or a rule for many: how many of its tasks run and wait, and its limits.

    `is_rule` says that somebody has set them. `waiting` are those that could run at once, were it
    not for limits.
    """

    name: str
    limits: Limits
    is_rule: bool
    running: int = 0
    waiting: int = 0


def names_of(key: str) -> list[str]:
    """The names of the rules that may hold for a key, the nearest first: itself, then its heads."""
    heads = [key]
    while SEPARATOR in heads[-1]:
        heads.append(heads[-1].rpartition(SEPARATOR)[0])
    return heads


def of_key(key: str, rules: Mapping[str, Limits]) -> Limits:
    """What holds for a key: the nearest of the rules that name it."""
    return next((rules[name] for name in names_of(key) if name in rules), UNRULED_KEY)


def check_change(change: LimitChange) -> None:
    """Accept limits that can be stored, whatever the caller passed.

    Raises:
        InvalidTaskError: one of them has no meaning.
    """
    concurrency, rate = change.get("concurrency"), change.get("rate")
    if concurrency is not None:
        fields.check_integer("concurrency", concurrency, range(1, MOST_AT_A_TIME + 1))
    if rate is not None:
        fields.check_integer("rate", rate.number, range(1, MOST_STARTS + 1))
        fields.check_span("rate's period", rate.period, shortest=timedelta(milliseconds=1))


def change_of(given: NewLimits) -> LimitChange:
    """What users say of limits, checked.

    Raises:
        InvalidTaskError: one of them has no meaning.
    """
    change = LimitChange()
    if "concurrency" in given:
        change["concurrency"] = given["concurrency"]
    if "rate" in given:
        change["rate"] = _rate(given["rate"])
    check_change(change)
    return change


def _rate(given: Any) -> Rate | None:
    if given is None:
        return None
    try:
        number, period = given
        if isinstance(period, int | float):
            period = timedelta(seconds=period)
    except (TypeError, ValueError, OverflowError):
        problem = f"must be a number and a period, as (10, 60), not {fields.shown(given)}"
        raise fields.invalid("rate", problem) from None
    return Rate(number, period)
