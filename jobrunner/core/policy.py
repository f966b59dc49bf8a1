"""What a schedule does about ticks that were missed, and about tasks that have not ended."""

from enum import StrEnum
from typing import Final

DEFAULT_CAP: Final = 100
"""Of the ticks that were missed, the most that get a task each."""


class Missed(StrEnum):
    """What becomes of ticks that nobody was there to fire."""

    SKIP = "skip"
    ONE = "one"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of a tick while the task of the tick before has not ended."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE = "queue"
