"""Errors as JSON objects (RFC 9457), told by a server, and read back as what was raised there."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from jobrunner.core import batch, bulk, control_errors, errors, hook, schedule_errors, web_errors
from jobrunner.core.errors import InvalidTaskError, JobrunnerError

URN: Final = "urn:jobrunner:"

NAMED: Final = (
    "event",
    "field",
    "key",
    "known",
    "members",
    "name",
    "needed",
    "parent",
    "queue",
    "running",
    "seconds",
    "task_id",
    "task_ids",
)
"""What errors have beside their text, as far as whoever asks may know it."""

_HOMES: Final = (batch, bulk, control_errors, errors, hook, schedule_errors, web_errors)

_BODY_TOO_LARGE: Final = 413


def kind_of(error: JobrunnerError) -> str:
    """The stable name of an error's class: `task-not-found`."""
    return _kind(type(error))


def _kind(found: type[JobrunnerError]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", found.__name__.removesuffix("Error")).lower()


_KINDS: Final[dict[str, type[JobrunnerError]]] = {
    _kind(found): found
    for home in _HOMES
    for found in vars(home).values()
    if isinstance(found, type) and issubclass(found, JobrunnerError)
} | {
    "invalid-item": InvalidTaskError,
    "invalid-request": InvalidTaskError,
    "queue-not-found": errors.TaskNotFoundError,
}


def members_of(error: JobrunnerError) -> dict[str, Any]:
    """What a problem tells beside its text; of a task among others also what was wrong with it."""
    found = {name: getattr(error, name) for name in NAMED if getattr(error, name, "") != ""}
    cause = _first_cause(error)
    if cause is None or not isinstance(error, InvalidTaskError):
        return found
    told = {"type": URN + kind_of(cause), "detail": str(cause), "hint": cause.hint}
    return found | {"cause": told | members_of(cause)}


def _first_cause(error: JobrunnerError) -> JobrunnerError | None:
    cause = error.__cause__
    if not isinstance(cause, JobrunnerError):
        return None
    return _first_cause(cause) or cause


def read_problem(told: Mapping[str, Any], status: int) -> JobrunnerError:
    """The error that a problem tells; `status` is that of the answer."""
    cause = told.get("cause")
    if is_object(cause):
        return read_problem(cause, status)
    detail, hint = str(told.get("detail", "")), str(told.get("hint", ""))
    found = _KINDS.get(str(told.get("type", "")).removeprefix(URN))
    if found is None and status == _BODY_TOO_LARGE:
        found, hint = errors.PayloadError, "Hand in fewer tasks at once, or smaller arguments."
    if found is None:
        return web_errors.UnexpectedAnswerError(detail or "no reason was told", status, hint=hint)
    error = found.__new__(found)
    error.args = (detail,)
    error.hint = hint
    if isinstance(error, InvalidTaskError):
        error.field = _field(told)
    for name in NAMED:
        if name in told:
            value: Any = told[name]
            setattr(error, name, tuple(value) if _is_list(value) else value)
    return error


def _field(told: Mapping[str, Any]) -> str:
    """Of what was not of the right form, the part that a problem names first."""
    wrong = told.get("errors")
    if not _is_list(wrong) or not wrong or not is_object(wrong[0]):
        return ""
    return str(wrong[0].get("at", "")).rpartition(".")[2]


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object of JSON."""
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
