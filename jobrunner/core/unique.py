"""At most one task of a kind: what makes two the same, for how long, and what then happens."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal, cast, get_args

from jobrunner.core import fields, payload
from jobrunner.core.errors import PayloadError
from jobrunner.core.status import Status

LIVE: Final = frozenset({Status.BLOCKED, Status.SCHEDULED, Status.PENDING, Status.IN_PROGRESS})
"""A task that has not ended."""

WAITING: Final = LIVE - {Status.IN_PROGRESS}
"""A task that has not been started: another one may wait while it runs."""

OnConflict = Literal["error", "ignore", "replace"]

LONGEST_KEY: Final = 500
"""Characters of a unique key: it stands in an index."""

_READABLE: Final = 120
"""Characters that are left of a key that is made of long arguments; a digest follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """What a task is not to be stored beside.

    `key` is any text; without one, it is made of the function and of the arguments `by` names
    (of all, if it is `None`), or of the command and its folder. It holds while the other task has
    one of the statuses `in_`: `WAITING`, or `LIVE`, or `LIVE` and any of those that are final.
    `within` limits it to so long after the other was stored. On a conflict: `error`; `ignore` the
    new task; or `replace` what a waiting one is to do and when, at latest `max_wait` after it was
    stored.

    Raises:
        InvalidTaskError: a field has a wrong type or value.
    """

    key: str | None = None
    by: Sequence[str] | None = None
    within: timedelta | None = None
    in_: AbstractSet[Status] = LIVE
    on_conflict: OnConflict = "error"
    max_wait: timedelta | None = None

    def __post_init__(self) -> None:
        """Check every field, so that nothing wrong gets as far as the database."""
        if self.key is not None:
            _check_key(self.key)
        if self.by is not None:
            self._check_by(self.by)
        object.__setattr__(self, "in_", _statuses(self.in_))
        if self.on_conflict not in get_args(OnConflict):
            problem = f"must be error, ignore or replace, not {fields.shown(self.on_conflict)}"
            raise fields.invalid("unique.on_conflict", problem)
        for name, span in (("within", self.within), ("max_wait", self.max_wait)):
            if span is not None:
                fields.check_span(f"unique.{name}", span, shortest=timedelta.resolution)
        if self.max_wait is not None and self.on_conflict != "replace":
            raise fields.invalid("unique.max_wait", "goes with on_conflict='replace' only")

    def _check_by(self, by: Sequence[object]) -> None:
        if self.key is not None:
            raise fields.invalid("unique.by", "is of no use beside a key")
        if not fields.is_list(by) or not all(isinstance(name, str) for name in by):
            raise fields.invalid("unique.by", "must be a list of names of arguments")

    def of(self, function: str, arguments: Mapping[str, Any]) -> "Unique":
        """The same rule with its key made of a call; `arguments` by their names.

        Raises:
            InvalidTaskError: `by` names an argument that is not there, or one is not JSON.
        """
        if self.by is not None:
            arguments = {name: arguments[name] for name in self.by if name in arguments}
        return replace(self, key=made_key(function, arguments), by=None)


def as_rule(unique: object) -> Unique | None:
    """What a task says of its uniqueness as a rule: a text is a key.

    Raises:
        InvalidTaskError: it is neither a text nor a rule.
    """
    if unique is None or isinstance(unique, Unique):
        return unique
    return Unique(key=_check_key(unique))


def made_key(work: str, arguments: object) -> str:
    """The key of a call, the same in every process, whatever the order of its names.

    Raises:
        PayloadError: an argument is not JSON.
    """
    try:
        plain = payload.decode(payload.encode(arguments, what="args"))
    except PayloadError as error:  # the results of other tasks, too, are none yet
        error.hint = "A unique key is made of plain values: name those with `by`, or give a key."
        raise
    told = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    key = f"{work}({told})"
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    return f"{key[:_READABLE]}…{digest}"


def _check_key(key: object) -> str:
    text = payload.check_text(key, what="unique")
    if not 0 < len(text) <= LONGEST_KEY:
        raise fields.invalid("unique", f"must be a key of 1 to {LONGEST_KEY} characters")
    return text


def _statuses(given: object) -> frozenset[Status]:
    """The set of statuses, if a key that is in use can never come back into the hands of two.

    With a gap, a task would let go of its key in the middle of its life, somebody else take it,
    and the next retry find it taken.
    """
    if isinstance(given, str) or not isinstance(given, AbstractSet | Sequence):
        raise fields.invalid("unique.in_", f"must be a set of statuses, not {fields.shown(given)}")
    try:
        found = frozenset(map(Status, cast("AbstractSet[str] | Sequence[str]", given)))
    except ValueError as error:
        raise fields.invalid("unique.in_", f"must hold statuses: {error}") from None
    if found != WAITING and not found >= LIVE:
        raise fields.invalid(
            "unique.in_",
            "must be WAITING (blocked, scheduled, pending), or LIVE (those and in_progress),"
            " or LIVE and any of completed, failed and cancelled",
        )
    return found
