"""Events over REST: sent to tasks that wait for them."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from jobrunner.web.acts import Acting
from jobrunner.web.api.answers import answer
from jobrunner.web.api.house_models import SentShown
from jobrunner.web.api.orders import EventAsked
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Submitter

router = APIRouter(prefix="/events", tags=["events"], route_class=StrictRoute)


@router.post(
    "",
    operation_id="send_an_event",
    summary="Send an event to one task, or to all that wait for it or ever will",
    status_code=HTTPStatus.CREATED,
    response_model=SentShown,
)
def send(body: EventAsked, acts: Acting, _who: Submitter) -> Response:
    """It is kept for seven days, and one of the same name to the same task takes its place."""
    woken = acts.send_event(body.name, body.payload, body.task_id)
    told = {"name": body.name, "task_id": body.task_id, "woken": woken}
    return answer(told, HTTPStatus.CREATED)
