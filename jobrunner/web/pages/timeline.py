"""The timeline: what each slot of each worker ran, and when."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from jobrunner.core.errors import ConfigurationError, InvalidTaskError, JobrunnerError
from jobrunner.core.fields import check_moment
from jobrunner.core.insight_graph import Bar, Lane, Timeline
from jobrunner.core.objects import moment
from jobrunner.core.span import parse_span, span_word
from jobrunner.web.identity import Reader
from jobrunner.web.pages.house import show
from jobrunner.web.serving import Queue
from jobrunner.web.span_of_time import DEFAULT_SPAN, span_of_time

router = APIRouter()

RANGES: Final = {
    "15 min": timedelta(minutes=15),
    "1 h": timedelta(hours=1),
    "6 h": timedelta(hours=6),
    "24 h": timedelta(days=1),
}
LISTED: Final = 500
"""Attempts of the table."""

Text = Annotated[str, Query(max_length=50)]
View = Literal["lanes", "table"]


class Asked(NamedTuple):
    """From when to when; `is_live` if it moves on with the clock."""

    since: datetime
    until: datetime
    is_live: bool

    @property
    def span(self) -> timedelta:
        """How long it is."""
        return self.until - self.since

    @property
    def query(self) -> str:
        """The same for the REST interface."""
        if self.is_live:
            return urlencode({"last": int(self.span.total_seconds())})
        return urlencode({"since": moment(self.since), "until": moment(self.until)})


@router.get("/timeline")
def timeline(
    request: Request,
    queue: Queue,
    _who: Reader,
    since: Text = "",
    until: Text = "",
    view: View = "lanes",
) -> Response:
    """From `since`, a moment or a length of time, until a moment or now; the last hour unless said.

    What cannot be read is told, and the last hour is shown.
    """
    now, error = queue.clock.now(), None
    try:
        asked = _asked(since.strip(), until.strip(), now)
    except (InvalidTaskError, ConfigurationError) as wrong:
        error, asked = wrong, Asked(now - DEFAULT_SPAN, now, is_live=True)
    found = queue.insight.timeline(asked.since, asked.until, LISTED) if view == "table" else None
    return show(
        request,
        "timeline.html",
        code=_code(error),
        ranges=_tabs(view),
        chosen=next((name for name in RANGES if asked.is_live and RANGES[name] == asked.span), ""),
        view=view,
        views=_views(since, until),
        since=since,
        until=until,
        error=error,
        asked=asked,
        data=f"/api/v1/timeline?{asked.query}",
        found=found,
        rows=_rows(found),
    )


def _code(error: JobrunnerError | None) -> int:
    return HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY


def _asked(since: str, until: str, now: datetime) -> Asked:
    """Read what stands in the address.

    Raises:
        InvalidTaskError: it is no span of time, or too long.
        ConfigurationError: it is neither a moment nor a length of time.
    """
    end = _moment("until", until) if until else None
    if not since or (since[:1].isdigit() and "-" not in since):
        span = max(parse_span(since), timedelta(seconds=1)) if since else DEFAULT_SPAN
        return Asked(*span_of_time(None, end, span, now=now), is_live=end is None)
    return Asked(*span_of_time(_moment("since", since), end, now=now), is_live=False)


def _moment(name: str, text: str) -> datetime:
    """A moment of ISO 8601; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "Write 2026-12-01T09:00, which is UTC; since takes a length of time too, as 2h."
        raise ConfigurationError(f"{name} is no moment", hint=hint) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    check_moment(name, found)
    return found.astimezone(UTC)


def _tabs(view: View) -> list[tuple[str, str, None]]:
    def address(span: timedelta) -> str:
        return f"/timeline?{urlencode({'since': span_word(span)} | _other(view))}"

    return [(name, address(span), None) for name, span in RANGES.items()]


def _views(since: str, until: str) -> dict[View, str]:
    kept = {name: text for name, text in (("since", since), ("until", until)) if text}
    views: tuple[View, ...] = ("lanes", "table")
    return {view: f"/timeline?{urlencode(kept | _other(view))}" for view in views}


def _other(view: View) -> dict[str, str]:
    return {} if view == "lanes" else {"view": view}


def _rows(found: Timeline | None) -> list[tuple[Lane, Bar]]:
    """The attempts, the newest first."""
    if found is None:
        return []
    rows: list[Any] = [(lane, bar) for lane in found.lanes for bar in lane.bars]
    return sorted(rows, key=lambda row: (row[1].started_at, row[1].task_id), reverse=True)
