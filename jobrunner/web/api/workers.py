"""Workers and crews over REST: looked at, paused, resumed, resized, stopped."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from jobrunner.core.control_objects import crew_object, told_object
from jobrunner.core.objects import worker_object
from jobrunner.web.acts import Acting
from jobrunner.web.api.answers import answer, look
from jobrunner.web.api.house_models import CrewShown, ToldShown, WorkerShown
from jobrunner.web.api.orders import ResizeAsked, ToWorkerAsked
from jobrunner.web.api.params import Flag, Name
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.serving import Queue

router = APIRouter(tags=["workers"], route_class=StrictRoute)

Every = Annotated[Flag, Query(alias="all", description="Also those that have ended.")]


@router.get(
    "/workers",
    operation_id="list_workers",
    summary="The workers that run",
    response_model=list[WorkerShown],
)
def workers(request: Request, queue: Queue, _who: Reader, *, every: Every = False) -> Response:
    """Oldest first."""
    found = [one for one in queue.workers() if every or one.stopped_at is None]
    return look(request, [worker_object(one) for one in found])


@router.get(
    "/crews",
    operation_id="list_crews",
    summary="The crews that are paused or resized",
    response_model=list[CrewShown],
)
def crews(request: Request, queue: Queue, _who: Reader) -> Response:
    """Be it for workers that are to come."""
    return look(request, [crew_object(one) for one in queue.crews.list()])


@router.post(
    "/workers/{name}/pause",
    operation_id="pause_a_worker",
    summary="Have a worker or a crew claim nothing more",
    response_model=ToldShown,
)
def pause(name: Name, acts: Acting, _who: Operator, body: ToWorkerAsked | None = None) -> Response:
    """By the id of a worker, or a beginning of it, or a crew's name. What they run they end."""
    return answer(told_object(acts.pause_worker(name, crew=_is_crew(body))))


@router.post(
    "/workers/{name}/resume",
    operation_id="resume_a_worker",
    summary="Have a worker or a crew claim again",
    response_model=ToldShown,
)
def resume(name: Name, acts: Acting, _who: Operator, body: ToWorkerAsked | None = None) -> Response:
    """By the id of a worker, or a beginning of it, or a crew's name."""
    return answer(told_object(acts.resume_worker(name, crew=_is_crew(body))))


@router.post(
    "/workers/{name}/stop",
    operation_id="stop_a_worker",
    summary="Have a worker, or those of a crew, end in order",
    response_model=ToldShown,
)
def stop(name: Name, acts: Acting, _who: Operator, body: ToWorkerAsked | None = None) -> Response:
    """As on SIGTERM: what is unfinished after 15 s goes back to the queue."""
    return answer(told_object(acts.stop_worker(name, crew=_is_crew(body))))


@router.post(
    "/workers/{name}/resize",
    operation_id="resize_a_worker",
    summary="Have a worker, or those of a crew, run so many tasks at a time",
    response_model=ToldShown,
)
def resize(name: Name, body: ResizeAsked, acts: Acting, _who: Operator) -> Response:
    """A crew keeps its size over restarts."""
    return answer(told_object(acts.resize_worker(name, body.concurrency, crew=body.crew)))


def _is_crew(body: ToWorkerAsked | None) -> bool:
    return body is not None and body.crew
