"""Acts on tasks over REST: cancel, retry, and delete, one task or all that match."""

from typing import Any

from fastapi import APIRouter, Response

from jobrunner.core.bulk import Act, BulkFilter, Done
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.web.acts import Acting
from jobrunner.web.api.answers import answer
from jobrunner.web.api.kinds import values_of
from jobrunner.web.api.models import DoneShown, RetriedShown, StandingShown
from jobrunner.web.api.orders import BulkAsked, RetryAsked
from jobrunner.web.api.params import TaskNumber, moment_of
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Operator
from jobrunner.web.serving import Queue

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=StrictRoute)


@router.post(
    "/{task_id:id}/cancel",
    operation_id="cancel_a_task",
    summary="Cancel a waiting task, or have a running one stopped",
    response_model=StandingShown,
)
def cancel(task_id: TaskNumber, acts: Acting, _who: Operator) -> Response:
    """Answers with its status after the call: one that runs ends a little later."""
    return answer({"id": task_id, "status": acts.cancel(task_id).value})


@router.post(
    "/{task_id:id}/retry",
    operation_id="retry_a_task",
    summary="Run a task again, alone or with what depends on it",
    response_model=RetriedShown,
)
def retry(
    task_id: TaskNumber,
    acts: Acting,
    queue: Queue,
    _who: Operator,
    body: RetryAsked | None = None,
) -> Response:
    """One that failed or was cancelled; with `downstream`, also one that has completed."""
    how = body or RetryAsked()
    if how.downstream or how.failed_only:
        ids = acts.rewind(task_id, failed_only=how.failed_only)
        status = queue.get(task_id).status
    else:
        ids, status = [TaskId(task_id)], acts.retry(task_id)
    return answer({"id": task_id, "status": status.value, "ids": ids})


@router.post(
    "/actions/{act}",
    operation_id="act_on_many_tasks",
    summary="Retry, cancel or delete many tasks",
    response_model=DoneShown,
)
def bulk(act: Act, body: BulkAsked, acts: Acting, queue: Queue, _who: Operator) -> Response:
    """Some hundreds in a transaction: what was done when it is interrupted stays done.

    Unless a status is named, `retry` means those that failed, `cancel` those that have not ended
    and `delete` those that have.
    """
    wanted = _wanted(body)
    matched = queue.bulk.count(act, **wanted)
    done = Done() if body.dry_run else acts.bulk(act, **wanted)
    return answer(
        {
            "matched": matched,
            "done": done.done,
            "refused": done.refused_count,
            "first_refused": [{"id": one.task_id, "why": one.why} for one in done.refused],
            "dry_run": body.dry_run,
        }
    )


def _wanted(body: BulkAsked) -> BulkFilter:
    said: dict[str, Any] = values_of(body)
    said.pop("dry_run", None)
    wanted: Any = {name: value for name, value in said.items() if value is not None}
    for name in ("older_than", "newer_than"):
        if name in wanted:
            wanted[name] = moment_of(wanted[name])
    if "status" in wanted:
        wanted["status"] = Status(wanted["status"])
    if "all" in wanted:
        wanted["every"] = wanted.pop("all")
    found: BulkFilter = wanted
    return found
