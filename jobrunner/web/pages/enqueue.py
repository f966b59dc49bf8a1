"""The form that enqueues a task, empty or filled with what another one was."""

import json
import re
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from jobrunner.core import fields
from jobrunner.core.errors import JobrunnerError
from jobrunner.core.lines import task_of
from jobrunner.core.masking import MASK
from jobrunner.core.new_task import NewTask
from jobrunner.core.span import span_word
from jobrunner.core.task import Task
from jobrunner.core.web_errors import ForbiddenError
from jobrunner.task_queue import TaskQueue
from jobrunner.web.acts import Acting
from jobrunner.web.identity import Submitter
from jobrunner.web.pages import forms, view
from jobrunner.web.pages.allowed import allowed
from jobrunner.web.pages.filters import read_id
from jobrunner.web.pages.forms import Fields, Sent
from jobrunner.web.pages.shown import Shown
from jobrunner.web.pages.tasks import suggested
from jobrunner.web.problems import status_of
from jobrunner.web.serving import Queue

router = APIRouter()

PLACE: Final = "/tasks/new"

_READERS: Final[dict[str, Callable[[str, str], Any]]] = {
    "function": lambda _name, text: text,
    "command": lambda name, text: forms.value(name, text, list),
    "args": lambda name, text: forms.value(name, text, list),
    "kwargs": lambda name, text: forms.value(name, text, dict),
    "queue": lambda _name, text: text,
    "priority": forms.integer,
    "delay": forms.seconds,
    "run_at": lambda name, text: forms.moment(name, text).isoformat(),
    "timeout": forms.seconds,
    "max_attempts": forms.integer,
    "description": lambda _name, text: text,
    "concurrency_key": lambda _name, text: text,
    "after": lambda name, text: [forms.integer(name, one) for one in re.split(r"[\s,]+", text)],
}
"""How each field becomes one of a JSON line, which is read as all lines are."""


@router.get(PLACE)
def show_form(request: Request, queue: Queue, _who: Submitter) -> Response:
    """An empty form, or with `like` one that is filled with what another task was.

    Raises:
        TaskNotFoundError: there is no other such.
    """
    like = read_id(request.query_params.get("like"))
    filled = {} if like is None else filled_with(queue.get(like))
    return _form(request, queue, filled)


@router.post(PLACE)
def store(request: Request, queue: Queue, acts: Acting, sent: Sent, _who: Submitter) -> Response:
    """Enqueue it once, however often the same form is sent; then go to its page."""
    try:
        new = new_task(queue, sent.texts)
        task = acts.enqueue([new], sent.text("key") or None)[0]
    except ForbiddenError:
        raise
    except JobrunnerError as error:
        return _form(request, queue, sent.texts, error)
    did = "duplicate" if task.is_duplicate else "stored"
    return RedirectResponse(f"/tasks/{task.id}?did={did}", HTTPStatus.SEE_OTHER)


def new_task(queue: TaskQueue, written: Fields) -> NewTask[Any]:
    """The task that a form asks for.

    Raises:
        InvalidTaskError: a field is not right, or a mask stands in it.
        UnknownFunctionError: functions are registered, but none of that name.
    """
    line: dict[str, Any] = {}
    for name, read in _READERS.items():
        if text := written.get(name, "").strip():
            line[name] = read(name, text)
    if any(MASK in text for text in written.values()):
        told = f"{MASK} stands for a secret that is not shown: write it in"
        raise fields.invalid("args", f"are not whole: {told}")
    if "function" not in line and "command" not in line:
        raise fields.invalid("function", "must have a name")
    if key := written.get("unique", "").strip():
        line["unique"] = key
    return task_of(line, queue.new_task, _no_ref)


def _no_ref(ref: str) -> NewTask[Any]:
    raise fields.invalid("args", f"names {ref!r}, but there is no other task in this form")


def filled_with(task: Task[Any]) -> dict[str, str]:
    """The fields of a form for a task like this one; its secrets are masked."""
    masking = Shown(task).masking
    filled = {
        "function": task.function or "",
        "command": _json(masking.command(task.command)) if task.command else "",
        "args": _json(masking.value(task.args)) if task.args else "",
        "kwargs": _json(masking.value(task.kwargs)) if task.kwargs else "",
        "queue": task.queue,
        "priority": str(task.priority) if task.priority else "",
        "timeout": span_word(task.timeout) if task.timeout else "",
        "max_attempts": str(task.max_attempts),
        "description": masking.text(task.description),
        "concurrency_key": masking.text(task.concurrency_key or ""),
    }
    return {name: text for name, text in filled.items() if text}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _form(
    request: Request, queue: TaskQueue, filled: Fields, error: JobrunnerError | None = None
) -> Response:
    told = allowed(request)
    if error is not None:
        told["flashes"] = [{"level": "error", "text": told_error(error)}]
    return view.render(
        request,
        "task_new.html",
        code=HTTPStatus.OK if error is None else status_of(type(error)),
        filled=filled,
        wrong=getattr(error, "field", None),
        key=filled.get("key") or secrets.token_hex(16),
        **suggested(queue),
        **told,
    )


def told_error(error: JobrunnerError) -> str:
    """An error and its next step, as a page tells them."""
    text = f"{str(error)[:1].upper()}{str(error)[1:]}".rstrip(".")
    return f"{text}. {error.hint}" if error.hint else f"{text}."
