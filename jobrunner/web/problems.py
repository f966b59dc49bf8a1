"""Every error as an answer: problem details of RFC 9457 for programs, a page for people."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from jobrunner.core import control_errors, errors, web_errors
from jobrunner.core.error_objects import URN, kind_of, members_of
from jobrunner.core.schedule_errors import InvalidScheduleError, ScheduleNotFoundError
from jobrunner.web.headers import SECURITY_HEADERS

MEDIA_TYPE: Final = "application/problem+json"

PROBLEM: Final[dict[str, Any]] = {
    "description": "Problem details (RFC 9457)",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "hint"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "hint": {"type": "string"},
                },
            }
        }
    },
}
"""How OpenAPI tells an error."""

Render = Callable[..., Response]
"""Makes a page of a request, a template's name, the status `code` and what the template shows."""

FOR_PROGRAMS: Final = ("/api/", "/metrics", "/livez", "/readyz")

STATUSES: Final[Mapping[type[errors.JobrunnerError], HTTPStatus]] = {
    web_errors.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    web_errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    web_errors.ReadOnlyError: HTTPStatus.FORBIDDEN,
    web_errors.TokenNotFoundError: HTTPStatus.NOT_FOUND,
    web_errors.IdempotencyError: HTTPStatus.UNPROCESSABLE_ENTITY,
    web_errors.TooManyRequestsError: HTTPStatus.TOO_MANY_REQUESTS,
    web_errors.TooManyStreamsError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TaskNotFoundError: HTTPStatus.NOT_FOUND,
    control_errors.WorkerNotFoundError: HTTPStatus.NOT_FOUND,
    ScheduleNotFoundError: HTTPStatus.NOT_FOUND,
    control_errors.HookNotFoundError: HTTPStatus.NOT_FOUND,
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
        "type": f"{URN}{kind}" if kind else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "hint": hint,
    }
    return Response(
        f"{json.dumps(told | more)}\n",  # ASCII: what cannot be encoded must not be in the way
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


class Problems:
    """Answers each kind of error: to programs with a problem, to people with a page."""

    def __init__(self, render: Render | None) -> None:
        """`render` makes the page; without it everybody gets a problem."""
        self._render = render

    def known(self, request: Request, error: Exception) -> Response:
        """One of our own."""
        told = cast("errors.JobrunnerError", error)
        if isinstance(told, web_errors.UnauthenticatedError) and self._is_for_people(request):
            return RedirectResponse(_login(request), HTTPStatus.SEE_OTHER)
        return self._answer(
            request,
            status_of(type(told)),
            str(told),
            kind=kind_of(told),
            hint=told.hint,
            headers=_headers(told),
            **members_of(told),
        )

    def invalid(self, request: Request, error: Exception) -> Response:
        """What was sent is not of the form that was asked for; its values are not repeated."""
        found = cast("RequestValidationError", error).errors()
        wrong = [
            {"at": ".".join(str(part) for part in one["loc"]), "problem": str(one["msg"])}
            for one in found[:10]
        ]
        detail = "; ".join(f"{one['at']}: {one['problem']}" for one in wrong)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._answer(request, status, detail, kind="invalid-request", errors=wrong)

    def refused(self, request: Request, error: Exception) -> Response:
        """No such page, no such method, and the like."""
        told = cast("HTTPException", error)
        return self._answer(request, told.status_code, str(told.detail), headers=told.headers)

    def unexpected(self, request: Request, _error: Exception) -> Response:
        """A fault of ours: nothing of it is shown, the log tells it."""
        answer = self._answer(
            request,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "something went wrong here that should not",
            hint="The server's log tells more.",
        )
        answer.headers.update(SECURITY_HEADERS)  # it is made outside of the gate
        return answer

    def _answer(
        self,
        request: Request,
        status: int,
        detail: str,
        *,
        kind: str = "",
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Response:
        if self._render is None or not self._is_for_people(request):
            return problem(status, detail, kind=kind, hint=hint, headers=headers, **more)
        title = HTTPStatus(status).phrase
        page = self._render(
            request, "bare.html", code=status, title=title, detail=detail, hint=hint
        )
        page.headers.update(headers or {})
        return page

    def _is_for_people(self, request: Request) -> bool:
        is_page = not request.url.path.startswith(FOR_PROGRAMS)
        return is_page and "text/html" in request.headers.get("accept", "")


def _login(request: Request) -> str:
    """The page to log in on, which then leads back."""
    if request.method != "GET":
        return "/login"
    query = f"?{request.url.query}" if request.url.query else ""
    return f"/login?{urlencode({'next': request.url.path + query})}"


def _headers(error: errors.JobrunnerError) -> dict[str, str]:
    if isinstance(error, web_errors.UnauthenticatedError):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, web_errors.TooManyRequestsError):
        return {"Retry-After": str(int(error.seconds) + 1)}
    return {}


def tell_problems(app: FastAPI, render: Render | None = None) -> None:
    """Have the app answer every error so; `render` makes pages of those that people see."""
    told = Problems(render)
    app.add_exception_handler(errors.JobrunnerError, told.known)
    app.add_exception_handler(RequestValidationError, told.invalid)
    app.add_exception_handler(HTTPException, told.refused)
    app.add_exception_handler(Exception, told.unexpected)
