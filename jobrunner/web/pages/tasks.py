"""The list of tasks: filtered by what stands in the URL, page by page."""

from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from jobrunner.core.bulk import FITTING, UNLESS_SAID, Act
from jobrunner.core.status import Status
from jobrunner.task_queue import TaskQueue
from jobrunner.web.identity import Reader
from jobrunner.web.pages import view
from jobrunner.web.pages.allowed import allowed
from jobrunner.web.pages.filters import Filter, read_id
from jobrunner.web.pages.listing import page_of, tabs
from jobrunner.web.serving import Queue

router = APIRouter()

SUGGESTED: Final = 200
"""Names of queues and functions that are suggested."""


@router.get("/tasks")
def show_tasks(request: Request, queue: Queue, _who: Reader) -> Response:
    """The newest tasks that match, or those next to an id."""
    written = request.query_params
    asked = Filter.read(written, queue.clock.now())
    after = read_id(written.get("after"))
    before = None if after is not None else read_id(written.get("before"))
    code = HTTPStatus.UNPROCESSABLE_ENTITY if asked.problems else HTTPStatus.OK
    return view.render(
        request,
        "tasks.html",
        code=code,
        asked=asked,
        tabs=tabs(queue, asked),
        listed=page_of(queue, asked, before, after),
        is_first=before is None and after is None,
        acts=acts_for(asked.query.status),
        **suggested(queue),
        **allowed(request),
    )


def acts_for(status: Status | None) -> list[tuple[Act, str]]:
    """What can be done to tasks of a status, and to which of them if none is named."""
    if status is not None:
        return [(act, "") for act in Act if status in FITTING[act]]
    words = {Act.RETRY: "failed", Act.CANCEL: "unfinished", Act.DELETE: "ended"}
    return [(act, words[act]) for act in Act if UNLESS_SAID[act]]


def suggested(queue: TaskQueue) -> dict[str, Any]:
    """Names of queues in which something waits, and of the functions that are registered."""
    queues = [one.name for one in queue.insight.queue_backlogs()]
    return {"queues": queues[:SUGGESTED], "functions": queue.registry.names[:SUGGESTED]}
