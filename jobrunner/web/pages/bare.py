"""Pages that stand alone: to log in, and to say what went wrong."""

from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse


def render(
    _request: Request, name: str, *, code: int = HTTPStatus.OK, **context: Any
) -> HTMLResponse:
    """A page from a template; `code` is the status of the answer."""
    return HTMLResponse(_environment().get_template(name).render(context), status_code=code)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("jobrunner.web"), autoescape=True, undefined=StrictUndefined
    )
