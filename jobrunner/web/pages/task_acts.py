"""What is done to one task from its page: run again, cancel, delete, start now, change."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from jobrunner.core.bulk import Act
from jobrunner.core.errors import InvalidTaskError, JobrunnerError, TaskStateError
from jobrunner.core.status import Status
from jobrunner.core.visible import visible
from jobrunner.core.web_errors import ForbiddenError
from jobrunner.web.acts import Acting, Acts
from jobrunner.web.identity import Operator
from jobrunner.web.pages import view
from jobrunner.web.pages.allowed import allowed
from jobrunner.web.pages.change_form import changes_of, values_of
from jobrunner.web.pages.enqueue import told_error
from jobrunner.web.pages.forms import Sent
from jobrunner.web.pages.shown import Shown
from jobrunner.web.pages.task import page_of
from jobrunner.web.problems import status_of
from jobrunner.web.serving import Queue

router = APIRouter()


def _cancel(acts: Acts, task_id: int) -> str:
    status = acts.cancel(task_id)
    return "stopping" if status is Status.IN_PROGRESS else "cancelled"


def _retry(acts: Acts, task_id: int) -> str:
    acts.retry(task_id)
    return "retried"


def _downstream(acts: Acts, task_id: int) -> str:
    acts.retry(task_id, downstream=True)
    return "rerun"


def _failed_only(acts: Acts, task_id: int) -> str:
    acts.retry(task_id, failed_only=True)
    return "mended"


def _start(acts: Acts, task_id: int) -> str:
    acts.update(task_id, delay=0)
    return "started"


_ACTS: Final[dict[str, Callable[[Acts, int], str]]] = {
    "cancel": _cancel,
    "retry": _retry,
    "downstream": _downstream,
    "failed_only": _failed_only,
    "start": _start,
}
"""Each gives the word that tells what was done."""


@router.post("/tasks/{task_id}")
def act(
    request: Request, task_id: int, queue: Queue, acts: Acting, sent: Sent, _who: Operator
) -> Response:
    """Do one of the acts, and go back to the page; one that is refused is told there.

    Raises:
        TaskNotFoundError: there is no such task.
        InvalidTaskError: there is no such act.
    """
    word = sent.text("act")
    try:
        if word == "delete":
            return _delete(acts, task_id)
        if word not in _ACTS:
            raise InvalidTaskError(f"there is no act {visible(word[:40])!r}", field="act")
        did = _ACTS[word](acts, task_id)
    except TaskStateError as error:
        return page_of(request, queue, queue.get(task_id), error)
    return RedirectResponse(f"/tasks/{task_id}?did={did}", HTTPStatus.SEE_OTHER)


def _delete(acts: Acts, task_id: int) -> Response:
    done = acts.bulk(Act.DELETE, ids=[task_id])
    for refused in done.refused:
        raise TaskStateError(task_id, refused.why)
    return RedirectResponse("/tasks", HTTPStatus.SEE_OTHER)


@router.get("/tasks/{task_id}/change")
def show_change(request: Request, task_id: int, queue: Queue, _who: Operator) -> Response:
    """The form that changes a task that waits.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it runs or has ended.
    """
    task = queue.get(task_id)
    return _form(request, task, values_of(task))


@router.post("/tasks/{task_id}/change")
def change(
    request: Request, task_id: int, queue: Queue, acts: Acting, sent: Sent, _who: Operator
) -> Response:
    """Change what differs from what it is, and go back to its page.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    task = queue.get(task_id)
    try:
        changes = changes_of(task, sent.texts)
        if changes:
            acts.update(task_id, **changes)
    except ForbiddenError:
        raise
    except JobrunnerError as error:
        return _form(request, task, dict(sent.texts), error)
    did = "changed" if changes else "unchanged"
    return RedirectResponse(f"/tasks/{task_id}?did={did}", HTTPStatus.SEE_OTHER)


def _form(
    request: Request, task: Any, filled: dict[str, str], error: JobrunnerError | None = None
) -> Response:
    told = allowed(request)
    if error is not None:
        told["flashes"] = [{"level": "error", "text": told_error(error)}]
    return view.render(
        request,
        "task_change.html",
        code=HTTPStatus.OK if error is None else status_of(type(error)),
        task=task,
        called=Shown(task).name,
        filled=filled,
        wrong=getattr(error, "field", None),
        **told,
    )
