"""When the result of an equal task before is as good as a run."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Opt in: a task that has not changed since it last completed ends from the cache.

    What counts is the function or command, its arguments, the results of its parents, the content
    of the files `inputs`, and `version` (unless given, the source of the function). `outputs` are
    files that it makes: they must be there, as they were left.
    """

    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    version: str | None = None
