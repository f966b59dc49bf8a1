"""Templates: what every page knows, and how they show moments, spans and numbers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from jobrunner.core.size import size_text
from jobrunner.core.span import span_text
from jobrunner.core.status import Status
from jobrunner.core.visible import visible
from jobrunner.web import assets

STATUSES: Final = tuple(Status)

SHORTENED_FROM: Final = 10_000
SIZES: Final = ((10**3, "k"), (10**6, "M"), (10**9, "G"), (10**100, "?"))


class Page(NamedTuple):
    """An entry of the navigation: where it leads, what it says, the key after `g`."""

    path: str
    title: str
    key: str


PAGES: Final = (
    Page("/", "Overview", "o"),
    Page("/tasks", "Tasks", "t"),
    Page("/batches", "Batches", "b"),
    Page("/timeline", "Timeline", "l"),
    Page("/workers", "Workers", "w"),
    Page("/queues", "Queues", "q"),
    Page("/schedules", "Schedules", "s"),
    Page("/system", "System", "y"),
)


def render(
    request: Request, name: str, *, code: int = HTTPStatus.OK, **context: Any
) -> HTMLResponse:
    """A page from a template; `code` is the status of the answer.

    From the request come the identity and the token for forms (`request.state.identity`,
    `request.state.csrf_token`) and whether anything may be changed.
    """
    template = environment().get_template(name)
    return HTMLResponse(template.render(known(request) | context), status_code=code)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dataclasses by field, moments in ISO 8601, spans in seconds."""
    given = value  # which the type checkers do not narrow
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return _plain_mapping(given)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return _plain_list(given)
    return value


def _plain_mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): plain(each) for key, each in values.items()}


def _plain_list(values: Iterable[Any]) -> list[Any]:
    return [plain(each) for each in values]


@cache
def environment() -> Environment:
    """The templates: everything is escaped, and a name that is not known is an error."""
    made = Environment(
        loader=PackageLoader("jobrunner.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "count": count,
        "moment": moment,
        "number": number,
        "plain_json": plain_json,
        "size": size_text,
        "span": span_text,
        "visible": visible,
    }
    known_to_all: dict[str, Any] = made.globals  # jinja2 says what is in it at first, no more
    known_to_all.update({"asset": assets.address, "pages": PAGES, "statuses": STATUSES})
    return made


def plain_json(value: Any) -> str:
    """JSON for an attribute; the template escapes it."""
    return json.dumps(plain(value), separators=(",", ":"))


def number(value: float | None) -> str:
    """A number with its thousands apart: `1,234,567`."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def count(value: int) -> str:
    """A number for narrow places: `9,999`, `12.3k`, `1.25M`."""
    if value < SHORTENED_FROM:
        return f"{value:,}"
    size, letter = next((size, letter) for size, letter in SIZES if value < size * 999.5)
    return f"{value / size:.3g}{letter}"


def moment(value: datetime | None, form: str = "relative") -> Markup:
    """A moment as an element that the browser turns into `3 min ago` or into local time.

    Without scripts it stays as it is sent, in UTC. `form` is `relative`, `local` or `clock`.
    """
    if value is None:
        return Markup('<span class="none">-</span>')
    at = value.astimezone(UTC)
    return Markup('<time datetime="{}" data-form="{}">{}</time>').format(
        plain(at), form, f"{at:%Y-%m-%d %H:%M:%S} UTC"
    )


def known(request: Request) -> dict[str, Any]:
    """What every template may use, whoever renders it."""
    options = getattr(request.app.state, "options", None)
    return {
        "request": request,
        "path": request.url.path,
        "identity": getattr(request.state, "identity", None),
        "csrf_token": getattr(request.state, "csrf_token", ""),
        "is_read_only": bool(getattr(options, "read_only", False)),
        "flashes": (),
    }
