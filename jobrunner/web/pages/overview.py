"""The overview: how all is going, at one look."""

from http import HTTPStatus
from typing import Annotated, Any, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse

from jobrunner.core.bulk import Act
from jobrunner.core.role import Role
from jobrunner.web import ranges
from jobrunner.web.acts import Acting
from jobrunner.web.glance import GROUPS, Glance
from jobrunner.web.identity import Identity, Operator, Reader
from jobrunner.web.pages import view
from jobrunner.web.ranges import Range
from jobrunner.web.serving import Queue

router = APIRouter(include_in_schema=False)

TEMPLATES: Final = ("base.html", "macros.html", "overview.html", "overview_figures.html")

Number = Annotated[int | None, Query(ge=0, le=1_000_000)]


async def _glance(request: Request) -> Glance:
    return cast("Glance", request.app.state.glance)


Looking = Annotated[Glance, Depends(_glance)]


@router.get("/")
def overview(
    request: Request,
    glance: Looking,
    who: Reader,
    span: Annotated[Range, Query(alias="range")] = Range.HOUR,
    retried: Number = None,
    refused: Number = None,
) -> Response:
    """The page. `retried` and `refused` tell what came of the act that led here."""
    context: dict[str, Any] = {
        "span": span,
        "spans": [(ranges.title(each), f"/?range={each}", None) for each in Range],
        "span_title": ranges.title(span),
        "step": ranges.step(span),
    }
    if retried is not None:
        context["flashes"] = [_told(retried, refused or 0)]
    return view.render(request, "overview.html", **context, **_figures(glance, who))


@router.get("/overview/figures")
def figures(request: Request, glance: Looking, who: Reader) -> Response:
    """The part of the page that is fetched again and again; made once for all tabs of a user."""

    def make() -> bytes:
        return bytes(view.render(request, "overview_figures.html", **_figures(glance, who)).body)

    html = glance.shared.get(("figures", who), make)
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


@router.get("/overview/series")
def series(
    glance: Looking,
    _who: Reader,
    span: Annotated[Range, Query(alias="range")] = Range.HOUR,
) -> Response:
    """What the charts show."""

    def make() -> tuple[bytes, bool]:
        found = glance.series(span)
        return bytes(JSONResponse(ranges.series_object(found)).body), not found.is_cut

    body, is_whole = glance.shared.get(("chart", span), make, is_whole=lambda made: made[1])
    age = "private, max-age=2" if is_whole else "no-store"  # three charts ask for the same
    return Response(body, headers={"Cache-Control": age}, media_type="application/json")


@router.post("/overview/retry")
def retry_group(
    glance: Looking,
    queue: Queue,
    acts: Acting,
    _who: Operator,
    group: Annotated[str, Form(max_length=64)],
    span: Annotated[Range, Form(alias="range")] = Range.HOUR,
) -> Response:
    """Run the tasks again that have failed with one error; what has changed since is left out."""
    ids = next((one.ids for one in queue.insight.failures(1_000) if one.fingerprint == group), ())
    retried = refused = 0
    if ids:
        done = acts.bulk(Act.RETRY, ids=ids)
        retried, refused = done.done, done.refused_count
    glance.shared.forget()
    asked = urlencode({"range": span, "retried": retried, "refused": refused})
    return RedirectResponse(f"/?{asked}", HTTPStatus.SEE_OTHER)


def warm_up(glance: Glance) -> None:
    """Do what the first look would have to wait for."""
    for name in TEMPLATES:
        view.environment().get_template(name)
    glance.warm_up()


def _figures(glance: Glance, who: Identity) -> dict[str, Any]:
    return {
        "figures": glance.figures(),
        "may_operate": who.role.allows(Role.OPERATE),
        "most_groups": GROUPS,
    }


def _told(retried: int, refused: int) -> dict[str, str]:
    """One sentence of what was done."""
    tasks = "1 task runs" if retried == 1 else f"{retried:,} tasks run"
    if not refused:
        return {"level": "info", "text": f"{tasks} again."}
    left = f"{refused:,} could not: they depend on others that failed, or have changed since."
    return {"level": "warning", "text": f"{tasks} again; {left}"}
