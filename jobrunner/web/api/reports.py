"""Reports over REST: what was done, and what is going on."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from jobrunner.core.control_objects import status_object
from jobrunner.core.objects import report_object
from jobrunner.core.report import By
from jobrunner.web.api.answers import look
from jobrunner.web.api.house_models import ReportShown, SystemShown
from jobrunner.web.api.params import Since, moment_of
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Reader
from jobrunner.web.limits import Turns
from jobrunner.web.serving import Queue

Grouping = Annotated[By | None, Query(description="What attempts are put together by as well.")]

router = APIRouter(tags=["reports"], route_class=StrictRoute)


@router.get(
    "/report",
    operation_id="get_the_report",
    summary="What was done, and how well",
    response_model=ReportShown,
)
def report(
    request: Request, queue: Queue, _who: Reader, since: Since = None, by: Grouping = None
) -> Response:
    """Counts, throughput, waits, run times, wasted seconds, and for each worker its efficiency.

    The database goes through all of the history, some seconds for a million attempts: one at a
    time.
    """
    turns: Turns = request.app.state.reports
    with turns.taken():
        found = queue.report(since=moment_of(since), by=by)
    return look(request, report_object(found))


@router.get(
    "/status",
    operation_id="get_the_status",
    summary="What is going on now",
    response_model=SystemShown,
)
def status(request: Request, queue: Queue, _who: Reader) -> Response:
    """How many tasks have which status, which of them run, and by which workers."""
    return look(request, status_object(queue.status(), queue.clock.now()))
