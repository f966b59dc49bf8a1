"""When the result of an equal task before is as good as a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from jobrunner.core import fields, payload

_NAMES: Final = ("inputs", "outputs", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Opt in: a task that has not changed since it last completed ends from the cache.

    What counts is the function or command, its arguments, the results of its parents among them,
    the content of the files `inputs`, and `version` (unless given, the function's own code).
    `outputs` are files that it makes: they must be there, as they were left. The names of files may
    hold arguments of a function: `"{path}"`.

    Raises:
        InvalidTaskError: a field has a wrong type or value.
    """

    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    version: str | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        for name, paths in (("inputs", self.inputs), ("outputs", self.outputs)):
            if not fields.is_list(paths):
                raise fields.invalid(name, "must be a list of files")
            for path in paths:
                if not payload.check_text(path, what=name):
                    raise fields.invalid(name, "must name files")
        if self.version is not None:
            payload.check_text(self.version, what="version")

    def as_json(self) -> dict[str, Any]:
        """What is stored: only what was said."""
        told = {"inputs": [*self.inputs], "outputs": [*self.outputs], "version": self.version}
        return {name: value for name, value in told.items() if value}


def check_cache(value: object) -> None:
    """Accept a cache, or none.

    Raises:
        InvalidTaskError: it is something else.
    """
    if value is not None and not isinstance(value, Cache):
        raise fields.invalid("cache", f"must be a Cache, not {fields.shown(value)}")


def cache_of(value: object) -> Cache | None:
    """Read what users and JSON say: `true`, `false`, or an object.

    Raises:
        InvalidTaskError: it is none of them.
    """
    if value is None or isinstance(value, Cache):
        return value
    if isinstance(value, bool):
        return Cache() if value else None
    if not isinstance(value, Mapping):
        raise fields.invalid("cache", f"must be true or an object, not {fields.shown(value)}")
    known = cast("Mapping[str, Any]", value)
    for name in known:
        if name not in _NAMES:
            raise fields.invalid("cache", f"knows no {name!r}; it knows {', '.join(_NAMES)}")
    return Cache(**known)
