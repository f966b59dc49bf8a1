"""The workflow that a task is part of: as a graph, as a Gantt chart and as a table."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Request, Response

from jobrunner.core.batch import Batch
from jobrunner.core.errors import TaskStateError
from jobrunner.core.forecast import Forecast
from jobrunner.core.insight_graph import TaskGraph
from jobrunner.web import masked
from jobrunner.web.acts import Acting, Acts
from jobrunner.web.ahead import Ahead
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.limits import LARGEST_GRAPH, PAGE
from jobrunner.web.pages.graph_view import GraphShown
from jobrunner.web.pages.house import Id, done, show
from jobrunner.web.serving import Queue

router = APIRouter()

View = Literal["graph", "gantt", "table"]
VIEWS: Final[tuple[tuple[str, View], ...]] = (
    ("Graph", "graph"),
    ("Gantt", "gantt"),
    ("Table", "table"),
)


@router.get("/graph/{task_id}")
def graph(
    request: Request, task_id: Id, queue: Queue, _who: Reader, view: View = "graph"
) -> Response:
    """All that a task hangs together with.

    Raises:
        TaskNotFoundError: there is no such task.
    """
    found = masked.graph(queue.insight.graph(task_id, LARGEST_GRAPH))
    named = next(node.name for node in found.nodes if node.id == task_id)
    title, place = f"Workflow of {named}", f"/graph/{task_id}"
    data = f"/api/v1/graph/{task_id}"
    shown = GraphShown(found, _forecast(request, found, task_id))
    return _shown(request, shown, view, title=title, place=place, data=data, current=task_id)


@router.post("/graph/{task_id}")
def act(
    task_id: Id,
    queue: Queue,
    acts: Acting,
    _who: Operator,
    act: Annotated[Literal["failed", "failed_only", "downstream"], Form()],
    which: Annotated[Id | None, Form()] = None,
    view: Annotated[View, Form()] = "graph",
) -> Response:
    """Run again all that failed, or one task with what depends on it.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: it cannot run again.
    """
    if act == "failed":
        _retry_failed(acts, queue.insight.graph(task_id, LARGEST_GRAPH))
    else:
        acts.retry(which or task_id, **{act: True})
    return done(f"/graph/{task_id}?view={view}", "retried")


@router.get("/batches")
def batches(request: Request, queue: Queue, _who: Reader, before: Id | None = None) -> Response:
    """The newest batches, page by page."""
    found = queue.batches.find(before=before, limit=PAGE + 1)
    older = f"/batches?before={found[PAGE - 1].id}" if len(found) > PAGE else None
    newest = "/batches" if before else None
    return show(request, "batches.html", batches=found[:PAGE], older=older, newest=newest)


@router.get("/batches/{batch_id}")
def batch(
    request: Request, batch_id: Id, queue: Queue, _who: Reader, view: View = "graph"
) -> Response:
    """The members of a batch, and its callbacks.

    Raises:
        BatchNotFoundError: there is no such batch.
    """
    one = queue.batches.get(batch_id)
    found = masked.graph(queue.insight.batch_graph(batch_id, LARGEST_GRAPH))
    title, place = f"Batch {batch_id}", f"/batches/{batch_id}"
    data = f"/api/v1/batches/{batch_id}/graph"
    shown = GraphShown(found, _forecast(request, found, batch_id=batch_id))
    return _shown(request, shown, view, title=title, place=place, data=data, batch=one)


@router.post("/batches/{batch_id}")
def act_on_batch(
    batch_id: Id,
    queue: Queue,
    acts: Acting,
    _who: Operator,
    act: Annotated[Literal["failed", "failed_only", "downstream"], Form()],
    which: Annotated[Id | None, Form()] = None,
    view: Annotated[View, Form()] = "graph",
) -> Response:
    """Run again all of it that failed, or one task with what depends on it.

    Raises:
        BatchNotFoundError: there is no such batch.
        TaskStateError: nothing of it can run again.
    """
    if act == "failed" or which is None:
        _retry_failed(acts, queue.insight.batch_graph(batch_id, LARGEST_GRAPH))
    else:
        acts.retry(which, **{act: True})
    return done(f"/batches/{batch_id}?view={view}", "retried")


def _shown(
    request: Request,
    shown: GraphShown,
    view: View,
    *,
    title: str,
    place: str,
    data: str,
    current: int | None = None,
    batch: Batch | None = None,
) -> Response:
    tabs: list[Any] = [(name, f"{place}?view={word}", None) for name, word in VIEWS]
    return show(
        request,
        "graph.html",
        shown=shown,
        view=view,
        tabs=tabs,
        tab=next(name for name, word in VIEWS if word == view),
        title=title,
        place=place,
        data=data,
        current=current,
        batch=batch,
    )


def _forecast(
    request: Request, graph: TaskGraph, task_id: int | None = None, *, batch_id: int | None = None
) -> Forecast | None:
    """When it will have ended; nothing where it has, or where it is too large to be drawn."""
    if graph.is_cut or all(node.status.is_final for node in graph.nodes):
        return None
    ahead: Ahead = request.app.state.ahead
    return ahead.end(task_id, batch_id=batch_id)


def _retry_failed(acts: Acts, graph: TaskGraph) -> None:
    """What cannot run again, since somebody was quicker, is left out, but not if that is all."""
    again = 0
    refused: TaskStateError | None = None
    for task_id in GraphShown(graph).first_failed():
        try:
            acts.retry(task_id, failed_only=True)
            again += 1
        except TaskStateError as error:
            refused = error
    if refused is not None and not again:
        raise refused
