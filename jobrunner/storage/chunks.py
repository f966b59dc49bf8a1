"""Cut what is too long for one statement."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

CHUNK: Final = 500
"""How many ids one IN list names at most."""


def chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    """Cut a list into pieces that one IN list can name."""
    return (items[at : at + CHUNK] for at in range(0, len(items), CHUNK))
