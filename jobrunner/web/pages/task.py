"""The page of one task, and what can be downloaded from it."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from jobrunner.core.errors import JobrunnerError
from jobrunner.core.history import AttemptRecord
from jobrunner.core.masking import Masking
from jobrunner.core.objects import moment
from jobrunner.core.outcome import label
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.core.visible import visible, visible_json
from jobrunner.task_queue import TaskQueue
from jobrunner.web.identity import ANYBODY, Reader
from jobrunner.web.pages import view
from jobrunner.web.pages.allowed import allowed
from jobrunner.web.pages.enqueue import told_error
from jobrunner.web.pages.recipes import recipes
from jobrunner.web.pages.shown import Shown
from jobrunner.web.pages.task_view import LiveShown, look
from jobrunner.web.problems import status_of
from jobrunner.web.serving import Queue, options_of

router = APIRouter()

LOGGED: Final = 200
"""Attempts whose output is downloaded at once."""


@router.get("/tasks/{task_id}")
def show_task(request: Request, task_id: int, queue: Queue, _who: Reader) -> Response:
    """All about a task.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    return page_of(request, queue, queue.get(task_id))


def page_of(
    request: Request, queue: TaskQueue, task: Task[Any], error: JobrunnerError | None = None
) -> Response:
    """The page, with an error on top where there is one."""
    told = allowed(request)
    if error is not None:
        told["flashes"] = [{"level": "error", "text": told_error(error)}]
    needs_token = request.state.identity != ANYBODY
    return view.render(
        request,
        "task.html",
        code=HTTPStatus.OK if error is None else status_of(type(error)),
        seen=look(queue, task),
        recipes=recipes(task, options_of(request).url, needs_token=needs_token),
        **told,
    )


@router.get("/tasks/{task_id}/neighbours")
def show_neighbours(task_id: int, queue: Queue, _who: Reader) -> dict[str, Any]:
    """What it waits for and what waits for it, for a drawing. Ids are texts: they may be long.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    graph = queue.insight.neighbours(task_id)
    mask = Masking()
    return {
        "nodes": [
            view.plain(node) | {"id": str(node.id), "name": visible(mask.text(node.name))}
            for node in graph.nodes
        ],
        "edges": [
            {
                "parent": str(edge.parent),
                "dependent": str(edge.dependent),
                "on_failure": edge.on_failure,
            }
            for edge in graph.edges
        ],
        "is_cut": graph.is_cut,
    }


@router.get("/tasks/{task_id}/log")
def download_log(task_id: int, queue: Queue, _who: Reader, attempt: int | None = None) -> Response:
    """What its attempts wrote, or one of them; control characters can be seen.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    task = queue.get(task_id)
    masking = Shown(task).masking
    found = queue.insight.attempts(task_id, LOGGED)
    chosen = [one for one in found if attempt in (None, one.number)]
    lines = [line for one in chosen for line in _lines(one, masking)]
    live = LiveShown.of(queue, task, Shown(task))
    if live is not None and attempt in (None, task.attempt):
        lines += _live_lines(task, live)
    text = "\n".join(lines)
    part = "" if attempt is None else f"-attempt-{attempt}"
    return _download(f"task-{task.id}{part}-log.txt", text)


def _lines(one: AttemptRecord, masking: Masking) -> Iterator[str]:
    code = "" if one.exit_code is None else f", exit code {one.exit_code}"
    head = f"attempt {one.number}: {label(one.outcome)}{code}"
    yield f"=== {head}, {moment(one.started_at)} to {moment(one.ended_at)}, {one.worker_id} ==="
    parts = {"error": one.error, "stdout": one.stdout, "stderr": one.stderr}
    for name, text in (parts | {"traceback": one.traceback}).items():
        if text:
            yield f"--- {name} ---"
            yield visible(masking.text(text), keep="\n\t").removesuffix("\n")


def _live_lines(task: Task[Any], live: LiveShown) -> Iterator[str]:
    since = moment(task.started_at)
    yield f"=== attempt {task.attempt}: running since {since}, {task.worker_id} ==="
    for name, text in (("stdout", live.stdout), ("stderr", live.stderr)):
        if text:
            yield f"--- {name}, so far ---"
            yield text.shown.removesuffix("\n")


@router.get("/tasks/{task_id}/result")
def download_result(task_id: int, queue: Queue, _who: Reader) -> Response:
    """What it returned, as JSON; nothing where it has not completed.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    task = queue.get(task_id)
    if task.status is not Status.COMPLETED:
        return _download(f"task-{task.id}-result.txt", "")
    value = Shown(task).masking.value(task.returned)
    text = visible_json(json.dumps(value, ensure_ascii=False))
    return _download(f"task-{task.id}-result.txt", text)


def _download(name: str, text: str) -> Response:
    return Response(
        f"{text}\n" if text else "",
        media_type="text/plain",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
