"""What pages draw, over REST: series, groups of failures, graphs, timelines; the audit log."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from jobrunner.core.control_objects import audit_object
from jobrunner.core.insight_objects import (
    failure_object,
    graph_object,
    series_object,
    timeline_object,
)
from jobrunner.task_queue import TaskQueue
from jobrunner.web import limits, masked
from jobrunner.web.api.answers import look, page
from jobrunner.web.api.insight_models import (
    AuditShown,
    FailureShown,
    GraphShown,
    SeriesShown,
    TimelineShown,
)
from jobrunner.web.api.params import (
    PAGE,
    BatchNumber,
    Before,
    Digits,
    Limit,
    Since,
    TaskNumber,
    Until,
    moment_of,
)
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.serving import Queue
from jobrunner.web.span_of_time import DEFAULT_SPAN, span_of_time

router = APIRouter(tags=["insight"], route_class=StrictRoute)

Nodes = Annotated[
    Annotated[int, Field(ge=1, le=limits.LARGEST_GRAPH), Digits],
    Query(alias="limit", description="At most so many tasks, the nearest first."),
]
Bars = Annotated[
    Annotated[int, Field(ge=1, le=limits.LARGEST_TIMELINE), Digits],
    Query(alias="limit", description="At most so many attempts, the newest first."),
]
Last = Annotated[
    Annotated[int, Field(ge=1, le=int(limits.LONGEST_RANGE.total_seconds())), Digits] | None,
    Query(description="So many seconds before `until`, in place of `since`.", examples=[900]),
]
Buckets = Annotated[
    Annotated[int, Field(ge=1, le=1_000), Digits],
    Query(description="At most so many, and one more."),
]


@router.get(
    "/series",
    operation_id="get_the_series",
    summary="How many attempts ended when, how long tasks waited and ran",
    response_model=SeriesShown,
)
def series(
    request: Request,
    queue: Queue,
    _who: Reader,
    *,
    since: Since = None,
    until: Until = None,
    buckets: Buckets = 60,
) -> Response:
    """Of the last hour unless said otherwise, of 31 days at most."""
    found = queue.insight.series(*_range(queue, since, until), buckets)
    return look(request, series_object(found))


@router.get(
    "/timeline",
    operation_id="get_the_timeline",
    summary="What the slots of the workers ran",
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
    limit: Bars = limits.LARGEST_TIMELINE,
) -> Response:
    """In the last hour unless said otherwise, in 31 days at most. Secrets in names are masked."""
    first, end = _range(queue, since, until, timedelta(seconds=last) if last else DEFAULT_SPAN)
    found = masked.timeline(queue.insight.timeline(first, end, limit))
    return look(request, timeline_object(found, first, end))


def _range(
    queue: TaskQueue, since: str | None, until: str | None, span: timedelta = DEFAULT_SPAN
) -> tuple[datetime, datetime]:
    """From when to when.

    Raises:
        InvalidTaskError: that is no time at all, or too long.
    """
    return span_of_time(moment_of(since), moment_of(until), span, now=queue.clock.now())


@router.get(
    "/failures",
    operation_id="list_failures",
    summary="Failed tasks, those together whose errors say the same",
    response_model=list[FailureShown],
)
def failures(request: Request, queue: Queue, _who: Reader, limit: Limit = 20) -> Response:
    """Of the newest 2,000 that failed. Retry a group: `POST /tasks/actions/retry` with its ids."""
    return look(request, [failure_object(one) for one in queue.insight.failures(limit)])


@router.get(
    "/graph/{task_id:id}",
    operation_id="get_the_graph_of_a_task",
    summary="All that a task hangs together with, in both directions",
    response_model=GraphShown,
)
def graph(
    request: Request,
    task_id: TaskNumber,
    queue: Queue,
    _who: Reader,
    limit: Nodes = limits.LARGEST_GRAPH,
) -> Response:
    """With the critical path, the chain whose runs took longest. Secrets in names are masked."""
    return look(request, graph_object(masked.graph(queue.insight.graph(task_id, limit))))


@router.get(
    "/batches/{batch_id:id}/graph",
    operation_id="get_the_graph_of_a_batch",
    summary="The members and the callbacks of a batch, with the edges among them",
    response_model=GraphShown,
)
def batch_graph(
    request: Request,
    batch_id: BatchNumber,
    queue: Queue,
    _who: Reader,
    limit: Nodes = limits.LARGEST_GRAPH,
) -> Response:
    """With the critical path, the chain whose runs took longest. Secrets in names are masked."""
    return look(request, graph_object(masked.graph(queue.insight.batch_graph(batch_id, limit))))


@router.get(
    "/audit",
    operation_id="list_the_audit_log",
    summary="What was done over HTTP, by whom and when",
    response_model=list[AuditShown],
)
def audit(
    request: Request, queue: Queue, _who: Operator, limit: Limit = PAGE, before: Before = None
) -> Response:
    """The newest first; the `Link` header leads to the next page."""
    found = queue.audit.list(limit=limit, before=before)
    return page(request, [audit_object(one) for one in found], limit)
