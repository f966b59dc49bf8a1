"""How long ended tasks are kept: a rule for each status, of a queue or of all that say nothing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from jobrunner.core import payload
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.fields import LONGEST
from jobrunner.core.status import Status

FOREVER: Final = "forever"
DEFAULT: Final = "default"

Kept = timedelta | Literal["forever", "default"]
"""How long: a span, for ever, or as the rule above it says."""

OF_ALL: Final = ""
"""The name under which the rule of all queues that say nothing is stored."""

UNLESS_SAID: Final[Mapping[Status, timedelta]] = {
    Status.COMPLETED: timedelta(days=7),
    Status.CANCELLED: timedelta(days=7),
    Status.FAILED: timedelta(days=90),
}
"""How long an ended task is kept where nobody has said anything."""


class Rule(NamedTuple):
    """What one queue says, or, under the name `OF_ALL`, what holds for those that say nothing."""

    completed: Kept = DEFAULT
    failed: Kept = DEFAULT
    cancelled: Kept = DEFAULT

    def of(self, status: Status) -> Kept:
        """What it says of the tasks that have ended so."""
        said: dict[str, Kept] = self._asdict()
        return said[status.value]


class Retention:
    """The rules of all queues; of a rule's gaps the general one decides, and then `UNLESS_SAID`."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        """`rules` are by the names of queues."""
        self.rules = dict(rules)

    def of(self, queue: str, status: Status) -> timedelta | None:
        """How long the queue's tasks that have ended so are kept; `None` is for ever."""
        for name in (queue, OF_ALL):
            kept = self.rules[name].of(status) if name in self.rules else DEFAULT
            if kept == FOREVER:
                return None
            if isinstance(kept, timedelta):
                return kept
        return UNLESS_SAID[status]


def checked(name: str, kept: object) -> Kept:
    """Accept a span of at most 100 years, in seconds too, `forever` or `default`.

    Raises:
        ConfigurationError: it is none of them.
    """
    if kept in (FOREVER, DEFAULT):
        return FOREVER if kept == FOREVER else DEFAULT
    if isinstance(kept, int | float) and not isinstance(kept, bool):
        try:
            kept = timedelta(seconds=kept)
        except (OverflowError, ValueError):
            kept = LONGEST * 2
    if isinstance(kept, timedelta) and timedelta() <= kept <= LONGEST:
        return kept
    raise ConfigurationError(
        f"{name} must be kept for a length of time of at most 100 years, or for ever",
        hint="Give a timedelta or seconds, 'forever', or 'default' for the rule above it.",
    )


def checked_queue(queue: object) -> str:
    """Accept a name that a queue may have; an empty one stands for all that say nothing.

    Raises:
        PayloadError: it is no text that can be stored.
    """
    return payload.check_text(queue, what="queue")
