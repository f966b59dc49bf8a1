"""To log in with a token, which the browser then keeps where no script can read it."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import RedirectResponse

from jobrunner.web.identity import COOKIE
from jobrunner.web.pages.bare import render
from jobrunner.web.serving import Queue

LONGEST_ADDRESS: Final = 64
"""Characters of what tells who asks: a proxy may say anything, and it is remembered."""

router = APIRouter(include_in_schema=False)


@router.get("/login")
def show_login(request: Request, next: str = "/") -> Response:  # noqa: A002 — a name in the URL
    """The form."""
    return _form(request, next)


@router.post("/login")
def log_in(
    request: Request,
    queue: Queue,
    token: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",  # noqa: A002 — a name in the form
) -> Response:
    """Have the browser keep the token, if it is one.

    Raises:
        TooManyRequestsError: too many were tried from there.
    """
    request.app.state.logins.take(request.client.host[:LONGEST_ADDRESS] if request.client else "")
    if queue.tokens.look(token.strip()).token is None:
        return _form(request, next, problem="There is no such token.", code=HTTPStatus.UNAUTHORIZED)
    answer = RedirectResponse(_inside(next), HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        token.strip(),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
def log_out() -> Response:
    """Have the browser forget it."""
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _form(
    request: Request, after: str, *, problem: str = "", code: int = HTTPStatus.OK
) -> Response:
    shown = {"title": "Log in", "problem": problem, "next": _inside(after)}
    answer = render(request, "login.html", code=code, **shown)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _inside(path: str) -> str:
    """A place on this server: two slashes, either way they lean, would name another host."""
    is_ours = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_ours else "/"
