"""Schedules: what is stored again and again, when next, and what became of the last ones."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response

from jobrunner.core.errors import (
    ConfigurationError,
    InvalidTaskError,
    JobrunnerError,
    PayloadError,
    UnknownFunctionError,
)
from jobrunner.core.schedule import LONGEST_NAME, Schedule
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.storage import reads
from jobrunner.task_queue import TaskQueue
from jobrunner.web.acts import Acting
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.pages import schedule_form
from jobrunner.web.pages.house import NO_NUL, address_of, done, show
from jobrunner.web.pages.schedule_form import Given
from jobrunner.web.pages.schedule_view import shown
from jobrunner.web.problems import status_of
from jobrunner.web.serving import Queue, options_of

router = APIRouter()

SHOWN: Final = 200
TICKS_SHOWN: Final = 20

Name = Annotated[str, Form(max_length=LONGEST_NAME, pattern=NO_NUL)]
Asked = Annotated[str, Query(max_length=LONGEST_NAME, pattern=NO_NUL)]
Part = Annotated[str, Path(max_length=LONGEST_NAME, pattern=NO_NUL)]

WRONG: Final = (
    ConfigurationError,
    InvalidScheduleError,
    InvalidTaskError,
    PayloadError,
    UnknownFunctionError,
)
"""What is told beside the form, with all that was written in it kept."""


@router.get("/schedules")
def schedules(request: Request, queue: Queue, _who: Reader) -> Response:
    """All of them, and a form to add one."""
    return _list(request, queue)


@router.get("/schedules/{path:path}")
def one_schedule(
    request: Request,
    path: Part,
    queue: Queue,
    _who: Reader,
    name: Asked = "",
) -> Response:
    """One: its rule, its next five ticks, its last twenty.

    Raises:
        ScheduleNotFoundError: there is none of that name.
    """
    found = queue.schedules.get(path or name)
    ticks = queue.schedules.ticks(found.name, limit=TICKS_SHOWN)
    return show(request, "schedule.html", one=shown(found, ticks=ticks))


@router.post("/schedules")
def act(
    acts: Acting,
    _who: Operator,
    act: Annotated[Literal["pause", "resume", "run", "remove"], Form()],
    name: Name,
    to: Annotated[Literal["", "one"], Form()] = "",
) -> Response:
    """Pause, resume, run or remove one; then back to the list, or to the page of it.

    Raises:
        ScheduleNotFoundError: there is none of that name.
        InvalidScheduleError: it never fires again.
    """
    there = address_of("schedules", name) if to else "/schedules"
    if act == "pause":
        acts.pause_schedule(name)
        return done(there, "paused")
    if act == "resume":
        acts.resume_schedule(name)
        return done(there, "resumed")
    if act == "run":
        return done(f"/tasks/{acts.run_schedule(name).id}", "stored")
    acts.remove_schedule(name)
    return done("/schedules", "removed")


@router.post("/schedules/new")
def add(
    request: Request,
    queue: Queue,
    acts: Acting,
    _who: Operator,
    form: Annotated[Given, Depends(schedule_form.given)],
) -> Response:
    """Add one; what is wrong is told beside the form."""
    try:
        name, rule, task, options = schedule_form.read(queue, form)
        acts.add_schedule(name, rule, task, **options)
    except WRONG as error:
        return _list(request, queue, form, error)
    return done(address_of("schedules", name), "added")


def _list(
    request: Request,
    queue: TaskQueue,
    form: Given | None = None,
    error: JobrunnerError | None = None,
) -> Response:
    found = queue.schedules.list()
    last = _last_statuses(queue, found[:SHOWN])
    rows = [shown(one, count=1, last_status=last.get(one.last_task_id)) for one in found[:SHOWN]]
    return show(
        request,
        "schedules.html",
        code=HTTPStatus.OK if error is None else status_of(type(error)),
        schedules=rows,
        number=len(found),
        functions=queue.registry.names,
        has_commands=options_of(request).allow_commands,
        form=form or Given(),
        error=error,
    )


def _last_statuses(queue: TaskQueue, found: Sequence[Schedule]) -> dict[TaskId | None, Status]:
    ids = [one.last_task_id for one in found if one.last_task_id is not None]
    tasks = queue.store.read(reads.get_many, ids, source=queue)
    return {task.id: task.status for task in tasks}
