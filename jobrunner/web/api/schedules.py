"""Schedules over REST: added, looked at, paused, resumed, run, removed."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response

from jobrunner.core.control_objects import schedule_object, tick_object
from jobrunner.core.objects import moment, task_object
from jobrunner.core.schedule import ScheduleOptions
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.web.acts import Acting
from jobrunner.web.api.answers import answer, look
from jobrunner.web.api.house_models import ScheduleShown, WholeScheduleShown
from jobrunner.web.api.kinds import values_of
from jobrunner.web.api.models import TaskShown
from jobrunner.web.api.orders import ScheduleAsked
from jobrunner.web.api.params import Name, given, moment_of
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.api.storing import tasks_of
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.serving import Queue

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=StrictRoute)


@router.get(
    "",
    operation_id="list_schedules",
    summary="Schedules, with when each is due next",
    response_model=list[ScheduleShown],
)
def schedules(request: Request, queue: Queue, _who: Reader) -> Response:
    """By name."""
    return look(request, [schedule_object(one) for one in queue.schedules.list()])


@router.post(
    "",
    operation_id="add_a_schedule",
    summary="Store a task again and again, or change the schedule of that name",
    status_code=HTTPStatus.CREATED,
    response_model=ScheduleShown,
)
def add(body: ScheduleAsked, acts: Acting, queue: Queue, _who: Operator) -> Response:
    """The same again changes nothing."""
    task = tasks_of(queue, [values_of(body.task)]).tasks[0]
    found = acts.add_schedule(body.name, _rule(body), task, **_options(body))
    return answer(schedule_object(found), HTTPStatus.CREATED)


def _rule(body: ScheduleAsked) -> str | timedelta:
    if body.cron is not None and body.every is None:
        return body.cron
    if body.every is not None and body.cron is None:
        return timedelta(seconds=body.every)
    hint = 'Give "cron": "0 2 * * *", or "every": 300 seconds.'
    raise InvalidScheduleError("a schedule has one rule, cron or every", hint=hint)


def _options(body: ScheduleAsked) -> ScheduleOptions:
    options: Any = given(
        tz=body.tz,
        missed=body.missed,
        missed_cap=body.missed_cap,
        overlap=body.overlap,
        anchor=moment_of(body.anchor_at),
    )
    found: ScheduleOptions = options
    return found


@router.get(
    "/{name}",
    operation_id="get_a_schedule",
    summary="One schedule, with its next ticks and its last ones",
    response_model=WholeScheduleShown,
)
def one_schedule(request: Request, name: Name, queue: Queue, _who: Reader) -> Response:
    """The next five, as far as can be told now."""
    found = queue.schedules.get(name)
    told = {
        "upcoming": [moment(at) for at in found.upcoming()],
        "ticks": [tick_object(tick) for tick in queue.schedules.ticks(name)],
    }
    return look(request, schedule_object(found) | told)


@router.delete(
    "/{name}",
    operation_id="remove_a_schedule",
    summary="Forget a schedule; tasks that it has stored stay",
    status_code=HTTPStatus.NO_CONTENT,
)
def remove(name: Name, acts: Acting, _who: Operator) -> None:
    """And its ticks."""
    acts.remove_schedule(name)


@router.post(
    "/{name}/pause",
    operation_id="pause_a_schedule",
    summary="Fire no tick until it is resumed",
    response_model=ScheduleShown,
)
def pause(name: Name, acts: Acting, _who: Operator) -> Response:
    """It lasts over restarts."""
    return answer(schedule_object(acts.pause_schedule(name)))


@router.post(
    "/{name}/resume",
    operation_id="resume_a_schedule",
    summary="Fire again from now on",
    response_model=ScheduleShown,
)
def resume(name: Name, acts: Acting, _who: Operator) -> Response:
    """What was due while it was paused is not made up."""
    return answer(schedule_object(acts.resume_schedule(name)))


@router.post(
    "/{name}/run",
    operation_id="run_a_schedule",
    summary="Store the task of a schedule once, now",
    status_code=HTTPStatus.CREATED,
    response_model=TaskShown,
)
def run(name: Name, acts: Acting, _who: Operator) -> Response:
    """That is no tick: none is spared, and none looks at it."""
    task = acts.run_schedule(name)
    headers = {"Location": f"/api/v1/tasks/{task.id}"}
    return answer(task_object(task), HTTPStatus.CREATED, headers)
