"""What pages with acts on them share: who may act, what was done, the address of a name."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from pydantic import BeforeValidator
from starlette.responses import RedirectResponse

from jobrunner.core.limits import Limits
from jobrunner.core.role import Role
from jobrunner.core.span import span_word
from jobrunner.web.pages import view
from jobrunner.web.serving import options_of

NO_NUL: Final = r"^[^\x00]*$"
"""What both databases can store."""

_DIGITS: Final = len(str(2**53)) - 1


def digits(value: object) -> object:
    """A whole number as ids are written: in ASCII digits, and not many.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str):
        is_number = value.isascii() and value.isdigit() and len(value) <= _DIGITS
        if not is_number:
            raise ValueError("must be a whole number, in digits")
    return value


Id = Annotated[int, BeforeValidator(digits)]

DID: Final[Mapping[str, str]] = {
    "paused": "Paused. What runs goes on; nothing new is started.",
    "resumed": "Resumed.",
    "stopped": "Asked to stop: what runs may end within 15 s, what does not goes back.",
    "resized": "Resized.",
    "limited": "The limits have changed.",
    "added": "The schedule is added.",
    "removed": "The schedule is removed; the tasks that it has stored stay.",
    "stored": "The task is stored.",
    "retried": "They run again.",
}
"""What was done, by the word for it in the address of the page that tells of it."""


def show(request: Request, template: str, *, code: int = HTTPStatus.OK, **context: Any) -> Response:
    """A page; what was done before is told on top of it."""
    did = request.query_params.get("did", "")
    told = ({"level": "info", "text": DID[did]},) if did in DID else ()
    given: dict[str, Any] = {
        "may_operate": may_operate(request),
        "flashes": told,
        "address_of": address_of,
        "limits_text": limits_text,
    }
    return view.render(request, template, code=code, **(given | context))


def may_operate(request: Request) -> bool:
    """Whether who asks may act; where not, a page shows no acts."""
    identity = getattr(request.state, "identity", None)
    is_allowed = identity is not None and identity.role.allows(Role.OPERATE)
    return is_allowed and not options_of(request).read_only


def done(address: str, did: str, **more: object) -> Response:
    """To the page that tells what was done."""
    sign = "&" if "?" in address else "?"
    return RedirectResponse(
        f"{address}{sign}{urlencode({'did': did, **more})}", HTTPStatus.SEE_OTHER
    )


def address_of(place: str, name: str) -> str:
    """Where the page of a name is, whatever stands in the name.

    Browsers take `.` and `..` out of a path, encoded or not: these go into the query.
    """
    if name in {".", ".."}:
        return f"/{place}/?{urlencode({'name': name})}"
    return f"/{place}/{quote(name, safe='')}"


def limits_text(limits: Limits) -> str:
    """Limits for people: `2 at a time, 10 starts in 1m`."""
    told: list[str] = []
    if limits.concurrency is not None:
        told.append(f"{limits.concurrency:,} at a time")
    if limits.rate is not None:
        told.append(f"{limits.rate.number:,} starts in {span_word(limits.rate.period)}")
    return ", ".join(told)
