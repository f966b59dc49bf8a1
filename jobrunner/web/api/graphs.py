"""Graphs of tasks, and timelines of workers, over REST."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from jobrunner.core.graph_objects import graph_object, timeline_object
from jobrunner.web.api.answers import look
from jobrunner.web.api.graph_models import GraphShown, TimelineShown
from jobrunner.web.api.params import BatchNumber, Digits, Since, TaskNumber, Until, moment_of
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Reader
from jobrunner.web.limits import LARGEST_GRAPH, LARGEST_TIMELINE, LONGEST_RANGE
from jobrunner.web.serving import Queue
from jobrunner.web.span_of_time import DEFAULT_SPAN, span_of_time

router = APIRouter(tags=["graphs"], route_class=StrictRoute)

Nodes = Annotated[
    Annotated[int, Field(ge=1, le=LARGEST_GRAPH), Digits],
    Query(description="At most so many tasks, the nearest first."),
]
Bars = Annotated[
    Annotated[int, Field(ge=1, le=LARGEST_TIMELINE), Digits],
    Query(description="At most so many attempts, the newest."),
]
Last = Annotated[
    Annotated[int, Field(ge=1, le=int(LONGEST_RANGE.total_seconds())), Digits] | None,
    Query(description="The last so many seconds, in place of `since`.", examples=[3600]),
]


@router.get(
    "/graph/{task_id}",
    operation_id="get_a_graph",
    summary="What a task hangs together with, in both directions",
    response_model=GraphShown,
)
def graph(
    request: Request,
    task_id: TaskNumber,
    queue: Queue,
    _who: Reader,
    *,
    limit: Nodes = LARGEST_GRAPH,
) -> Response:
    """Tasks, the edges among them, and the critical path."""
    return look(request, graph_object(queue.insight.graph(task_id, limit)))


@router.get(
    "/batches/{batch_id}/graph",
    operation_id="get_the_graph_of_a_batch",
    summary="The members and the callbacks of a batch",
    response_model=GraphShown,
)
def batch_graph(
    request: Request,
    batch_id: BatchNumber,
    queue: Queue,
    _who: Reader,
    *,
    limit: Nodes = LARGEST_GRAPH,
) -> Response:
    """Tasks, the edges among them, and the critical path."""
    return look(request, graph_object(queue.insight.batch_graph(batch_id, limit)))


@router.get(
    "/timeline",
    operation_id="get_the_timeline",
    summary="What the slots of the workers ran, and when",
    response_model=TimelineShown,
)
def timeline(
    request: Request,
    queue: Queue,
    _who: Reader,
    *,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    limit: Bars = LARGEST_TIMELINE,
) -> Response:
    """The last hour unless something else is asked for; 31 days at most."""
    span = timedelta(seconds=last) if last else DEFAULT_SPAN
    begin, end = span_of_time(moment_of(since), moment_of(until), span, now=queue.clock.now())
    found = queue.insight.timeline(begin, end, limit)
    return look(request, timeline_object(found, begin, end))
