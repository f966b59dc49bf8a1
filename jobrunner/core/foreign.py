"""A pending task of another system, as what it would be here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from jobrunner.core import payload
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.core.unique import Unique


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """One task of another system.

    `key` is its name there, the same at each look, by which it is stored once however often it is
    imported. `after` are keys of what must have completed before; with `in_any_case`, of what
    must have ended. `problem`, if there is one, completes the sentence "task KEY …": such a one
    is not imported.
    """

    key: str
    function: str = ""
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    queue: str | None = None
    priority: int = 0
    run_at: datetime | None = None
    expires_at: datetime | None = None
    timeout: timedelta | None = None
    max_attempts: int = 1
    after: Sequence[str] = ()
    in_any_case: bool = False
    is_pickled: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What of it can be stored, by the keys there, and why the others cannot."""

    new: Mapping[str, NewTask[Any]]
    refused: Mapping[str, str]


def prepared(
    found: Sequence[Foreign], make: Callable[..., NewTask[Any]], *, queue: str | None
) -> Prepared:
    """Make tasks of what was found. `make` makes one of a function and fields; `queue` is for all.

    One whose parent cannot be imported is refused with it.

    Raises:
        UnknownFunctionError: functions are registered here, but none of that name.
    """
    there = {one.key for one in found}
    new: dict[str, NewTask[Any]] = {}
    refused: dict[str, str] = {}
    left = list(found)
    while left:
        later: list[Foreign] = []
        for one in left:
            if any(key in there and key not in new and key not in refused for key in one.after):
                later.append(one)
                continue
            try:
                new[one.key] = _made(one, make, queue, new, refused)
            except InvalidTaskError as error:
                refused[one.key] = str(error)
        if len(later) == len(left):
            refused |= {one.key: "waits for itself" for one in later}
            break
        left = later
    return Prepared(new, refused)


def _made(
    one: Foreign,
    make: Callable[..., NewTask[Any]],
    queue: str | None,
    new: Mapping[str, NewTask[Any]],
    refused: Mapping[str, str],
) -> NewTask[Any]:
    if one.problem is not None:
        raise InvalidTaskError(one.problem)
    for parent in one.after:
        if parent not in new:
            why = "cannot be imported" if parent in refused else "is not pending"
            raise InvalidTaskError(f"waits for {parent}, which {why}")
    for what, value in (("args", list(one.args)), ("kwargs", dict(one.kwargs))):
        payload.encode(value, what=what)
    fields = {
        "queue": queue or one.queue,
        "run_at": one.run_at,
        "expires_at": one.expires_at,
        "timeout": one.timeout,
        "after_any" if one.in_any_case else "after": [new[parent] for parent in one.after],
    }
    return make(
        one.function,
        args=list(one.args),
        kwargs=dict(one.kwargs),
        priority=one.priority,
        max_attempts=one.max_attempts,
        unique=Unique(key=one.key, in_=frozenset(Status), on_conflict="ignore"),
        **{name: value for name, value in fields.items() if value},
    )
