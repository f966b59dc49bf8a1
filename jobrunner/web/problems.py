"""Every error as an answer: problem details of RFC 9457 for programs."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from jobrunner.core import control_errors, errors, web_errors
from jobrunner.core.hook import HookNotFoundError
from jobrunner.core.schedule_errors import InvalidScheduleError, ScheduleNotFoundError

MEDIA_TYPE: Final = "application/problem+json"

STATUSES: Final[Mapping[type[errors.JobrunnerError], HTTPStatus]] = {
    web_errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    web_errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    web_errors.ReadOnlyError: HTTPStatus.FORBIDDEN,
    web_errors.TokenNotFoundError: HTTPStatus.NOT_FOUND,
    web_errors.IdempotencyError: HTTPStatus.UNPROCESSABLE_ENTITY,
    web_errors.TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TaskNotFoundError: HTTPStatus.NOT_FOUND,
    control_errors.WorkerNotFoundError: HTTPStatus.NOT_FOUND,
    ScheduleNotFoundError: HTTPStatus.NOT_FOUND,
    HookNotFoundError: HTTPStatus.NOT_FOUND,
    control_errors.DuplicateTaskError: HTTPStatus.CONFLICT,
    errors.TaskStateError: HTTPStatus.CONFLICT,
    errors.InvalidTaskError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnknownFunctionError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ConfigurationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidScheduleError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DatabaseError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The first of these that an error is decides the status; any other is a conflict."""


def status_of(kind: type[errors.JobrunnerError]) -> HTTPStatus:
    """The status of a kind of error."""
    found = (status for known, status in STATUSES.items() if issubclass(kind, known))
    return next(found, HTTPStatus.CONFLICT)


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "",
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """An answer that tells what is wrong. `kind` is a stable name, such as `task-not-found`."""
    told = {
        "type": f"urn:jobrunner:{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "hint": hint,
    }
    return Response(
        json.dumps(told | more),  # ASCII: what cannot be encoded must not be in the way
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def kind_of(error: errors.JobrunnerError) -> str:
    """The stable name of an error's class: `task-not-found`."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _told(_request: Request, error: Exception) -> Response:
    known = cast("errors.JobrunnerError", error)
    return problem(
        status_of(type(known)),
        str(known),
        kind=kind_of(known),
        hint=known.hint,
        headers=_headers(known),
    )


def _headers(error: errors.JobrunnerError) -> dict[str, str]:
    if isinstance(error, web_errors.UnauthenticatedError):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, web_errors.TooManyRequestsError):
        return {"Retry-After": str(int(error.seconds) + 1)}
    return {}


def _invalid(_request: Request, error: Exception) -> Response:
    """What was sent is not of the form that was asked for; its values are not repeated."""
    found = cast("RequestValidationError", error).errors()
    wrong = [
        {"at": ".".join(str(part) for part in one["loc"]), "problem": str(one["msg"])}
        for one in found[:10]
    ]
    detail = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind="invalid-request", errors=wrong)


def _refused(_request: Request, error: Exception) -> Response:
    known = cast("HTTPException", error)
    return problem(known.status_code, str(known.detail), headers=known.headers)


def _unexpected(_request: Request, _error: Exception) -> Response:
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "something went wrong here that should not",
        hint="The server's log tells more.",
    )


def tell_problems(app: FastAPI) -> None:
    """Have the app answer every error so."""
    app.add_exception_handler(errors.JobrunnerError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unexpected)
