"""Batches over REST: looked at."""

from fastapi import APIRouter, Request, Response

from jobrunner.core.control_objects import batch_object
from jobrunner.web.api.answers import look, page
from jobrunner.web.api.house_models import BatchShown
from jobrunner.web.api.params import PAGE, BatchNumber, Before, Limit
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Reader
from jobrunner.web.serving import Queue

router = APIRouter(prefix="/batches", tags=["batches"], route_class=StrictRoute)


@router.get(
    "",
    operation_id="list_batches",
    summary="Batches, the newest first",
    response_model=list[BatchShown],
)
def batches(
    request: Request, queue: Queue, _who: Reader, limit: Limit = PAGE, before: Before = None
) -> Response:
    """The `Link` header leads to the next page."""
    found = queue.batches.find(limit=limit, before=before)
    return page(request, [batch_object(one) for one in found], limit)


@router.get(
    "/{batch_id:id}",
    operation_id="get_a_batch",
    summary="One batch: its counts and its callbacks",
    response_model=BatchShown,
)
def one_batch(request: Request, batch_id: BatchNumber, queue: Queue, _who: Reader) -> Response:
    """Its tasks: `GET /tasks?batch_id=`."""
    return look(request, batch_object(queue.batches.get(batch_id)))
