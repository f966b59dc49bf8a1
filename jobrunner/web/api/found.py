"""Tasks looked for over REST: by what they have in common, page by page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from jobrunner.core.insight import TaskQuery
from jobrunner.core.objects import task_object
from jobrunner.web.api.answers import look, next_page
from jobrunner.web.api.models import TaskShown
from jobrunner.web.api.params import (
    PAGE,
    Before,
    FunctionName,
    Limit,
    OfBatch,
    QueueName,
    Since,
    StatusName,
    Text,
    Until,
    moment_of,
)
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Reader
from jobrunner.web.serving import Queue

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=StrictRoute)

Error = Annotated[Text | None, Query(description="A part of the text of the error.")]
Words = Annotated[
    Text | None, Query(description="A part of the description, the function or the command.")
]
OfWorker = Annotated[Text | None, Query(description="Only those that this worker runs or ran.")]


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
    worker_id: OfWorker = None,
    error: Error = None,
    text: Words = None,
    created_since: Since = None,
    created_until: Until = None,
    limit: Limit = PAGE,
    before: Before = None,
) -> Response:
    """The `Link` header leads on, as long as there is more.

    One request looks at 100,000 tasks at most: where few match, a page may hold less than was
    asked for, or nothing, and lead on nevertheless.
    """
    query = TaskQuery(
        status=status,
        queue=queue_name,
        function=function,
        batch_id=batch_id,
        worker_id=worker_id,
        error=error,
        text=text,
        created_since=moment_of(created_since),
        created_until=moment_of(created_until),
    )
    found = queue.insight.find(query, limit, before)
    told = [task_object(task) for task in found]
    return look(request, told, next_page(request, found.next_before, limit))
