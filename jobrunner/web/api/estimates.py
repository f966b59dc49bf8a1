"""Looking ahead over REST: how long a run takes, what is left of it, when all will have ended."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from jobrunner.core.estimate_objects import estimate_object, forecast_object
from jobrunner.core.simulate import MOST_WORKERS
from jobrunner.web import masked
from jobrunner.web.api.answers import look
from jobrunner.web.api.estimate_models import EstimateShown, ForecastShown
from jobrunner.web.api.params import Digits, Number, OfBatch, TaskNumber, Text
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Reader
from jobrunner.web.limits import Turns
from jobrunner.web.serving import Queue

router = APIRouter(tags=["insight"], route_class=StrictRoute)

Workers = Annotated[
    Annotated[int, Field(ge=1, le=MOST_WORKERS), Digits] | None,
    Query(description="Tasks that run at a time; as many as do now, unless said."),
]
OfTask = Annotated[
    Number | None, Query(description="Only what hangs together with this task.", examples=[7])
]
RunName = Annotated[
    Text,
    Query(
        alias="name",
        min_length=1,
        description="A function, or the description or the first word of commands.",
        examples=["thumbnail"],
    ),
]


@router.get(
    "/estimate",
    operation_id="get_the_end",
    summary="When all that is open will have ended",
    response_model=ForecastShown,
)
def end(
    request: Request,
    queue: Queue,
    _who: Reader,
    *,
    task: OfTask = None,
    batch: OfBatch = None,
    workers: Workers = None,
) -> Response:
    """By recorded run times, of all tasks or of one graph or batch; one request at a time."""
    turns: Turns = request.app.state.forecasts
    with turns.taken():
        found = queue.estimates.end(task, batch_id=batch, workers=workers)
    return look(request, forecast_object(masked.forecast(found)))


@router.get(
    "/estimate/run",
    operation_id="get_the_time_of_a_run",
    summary="How long a run of a function or a command takes",
    response_model=EstimateShown,
)
def run(request: Request, queue: Queue, _who: Reader, name: RunName) -> Response:
    """By its last completed runs; nothing is said of fewer than five."""
    return look(request, estimate_object(masked.estimate(queue.estimates.run(name))))


@router.get(
    "/tasks/{task_id:id}/estimate",
    operation_id="get_the_time_left_of_a_task",
    summary="How long a task still runs, or will run",
    response_model=EstimateShown,
)
def left(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """By its progress, or else by recorded runs. Of a task that waits: how long it will run."""
    return look(request, estimate_object(masked.estimate(queue.estimates.left(task_id))))


@router.get(
    "/tasks/{task_id:id}/estimate/start",
    operation_id="get_the_time_to_the_start_of_a_task",
    summary="How long it is until a task starts",
    response_model=EstimateShown,
)
def start(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """By what is open and the slots that workers have now; one request at a time."""
    turns: Turns = request.app.state.forecasts
    with turns.taken():
        found = queue.estimates.start(task_id)
    return look(request, estimate_object(masked.estimate(found)))
