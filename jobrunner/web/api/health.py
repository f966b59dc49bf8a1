"""Does the server live, is its database there, and how is the queue: for those who run it."""

from collections import Counter
from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from jobrunner.core.errors import DatabaseError
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from jobrunner.observe import metrics
from jobrunner.storage import counting, reads, workers
from jobrunner.task_queue import TaskQueue
from jobrunner.web.identity import Reader
from jobrunner.web.problems import PROBLEM
from jobrunner.web.serving import Queue

router = APIRouter(tags=["health"])

_ALIVE = (WorkerStatus.RUNNING, WorkerStatus.STOPPING)


@router.get(
    "/livez", operation_id="is_alive", response_class=PlainTextResponse, summary="Does it live?"
)
async def is_alive() -> str:
    """Answer: whoever hears it knows that the server lives."""
    return "ok"


@router.get(
    "/readyz",
    operation_id="is_ready",
    response_class=PlainTextResponse,
    summary="Is its database there?",
    responses={503: PROBLEM},
)
def is_ready(queue: Queue) -> str:
    """Look at the database; 503 if it cannot be read, or its file has gone."""
    queue.store.read(reads.nothing_left)
    path = queue.database.path
    if path is not None and not path.exists():  # what was opened before can still be read
        raise DatabaseError(
            f"the file {path} has gone", hint="Put it back, and start the server anew."
        )
    return "ok"


@router.get(
    "/metrics",
    operation_id="read_metrics",
    response_class=PlainTextResponse,
    summary="Figures for Prometheus",
    responses={HTTPStatus.UNAUTHORIZED: PROBLEM, HTTPStatus.FORBIDDEN: PROBLEM, 503: PROBLEM},
)
def read_metrics(queue: Queue, _identity: Reader) -> Response:
    """Tasks by status, the age of the oldest that could start, and the workers alive."""
    return Response(metrics.as_text(_figures(queue)), media_type=metrics.MEDIA_TYPE)


def _figures(queue: TaskQueue) -> metrics.Figures:
    with queue.store.reading() as transaction:
        counts = counting.counts(transaction)
        oldest = reads.oldest_pending(transaction) if counts[Status.PENDING] else None
        alive = Counter(worker.status for worker in workers.alive(transaction))
    age = 0.0 if oldest is None else (queue.clock.now() - oldest).total_seconds()
    return metrics.Figures(
        tasks=counts,
        oldest_age=max(0.0, age),
        workers={status.value: alive[status] for status in _ALIVE},
    )
