"""Tasks looked for over REST: by what they have in common, page by page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from jobrunner.core.objects import task_object
from jobrunner.web.api.answers import page
from jobrunner.web.api.models import TaskShown
from jobrunner.web.api.params import (
    PAGE,
    Before,
    FunctionName,
    Limit,
    OfBatch,
    QueueName,
    StatusName,
)
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Reader
from jobrunner.web.serving import Queue

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=StrictRoute)


@router.get(
    "",
    operation_id="list_tasks",
    summary="Tasks that match, the newest first",
    response_model=list[TaskShown],
)
def tasks(
    request: Request,
    queue: Queue,
    _who: Reader,
    *,
    status: StatusName = None,
    queue_name: Annotated[QueueName, Query(alias="queue")] = None,
    function: FunctionName = None,
    batch_id: OfBatch = None,
    limit: Limit = PAGE,
    before: Before = None,
) -> Response:
    """The `Link` header leads to the next page."""
    found = queue.find(
        status=status,
        queue=queue_name,
        function=function,
        batch_id=batch_id,
        limit=limit,
        before=before,
    )
    return page(request, [task_object(one) for one in found], limit)
