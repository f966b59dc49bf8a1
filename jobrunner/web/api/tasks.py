"""Tasks over REST: stored, one or many, looked at, changed."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from jobrunner.core.explanation_objects import explanation_object
from jobrunner.core.line_values import READERS
from jobrunner.core.objects import attempt_object, log_object, task_object
from jobrunner.core.task import Task
from jobrunner.core.transition import transition_object
from jobrunner.core.written import written_object
from jobrunner.web import masked
from jobrunner.web.acts import Acting, Acts
from jobrunner.web.api.answers import answer, look
from jobrunner.web.api.asked import BatchAsked, ChangeAsked, TaskAsked
from jobrunner.web.api.insight_models import ExplanationShown
from jobrunner.web.api.kinds import values_of
from jobrunner.web.api.models import (
    AttemptShown,
    HowFarShown,
    LogShown,
    ManyShown,
    ResultShown,
    StoredShown,
    TaskShown,
)
from jobrunner.web.api.params import Flag, Number, Offset, TaskNumber
from jobrunner.web.api.past_models import TransitionShown, WrittenShown
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.api.storing import stored
from jobrunner.web.identity import Operator, Reader, Submitter
from jobrunner.web.serving import Queue

router = APIRouter(prefix="/tasks", tags=["tasks"], route_class=StrictRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same request with the same key again stores nothing new.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]


@router.post(
    "",
    operation_id="enqueue_a_task",
    summary="Store a task",
    status_code=HTTPStatus.CREATED,
    response_model=StoredShown,
    responses={200: {"model": StoredShown, "description": "Another task has its unique key."}},
)
def enqueue(
    body: TaskAsked, acts: Acting, queue: Queue, _who: Submitter, key: IdempotencyKey = None
) -> Response:
    """Once this answers, the task survives a crash."""
    task = stored(acts, queue, [values_of(body)], key)[0]
    told = _stored_object(task)
    if task.is_duplicate:
        return answer(told)
    headers = {"Location": f"/api/v1/tasks/{task.id}"}
    return answer(told, HTTPStatus.CREATED, headers | _replayed(acts))


@router.post(
    "/batch",
    operation_id="enqueue_many_tasks",
    summary="Store many tasks, all of them or none",
    status_code=HTTPStatus.CREATED,
    response_model=ManyShown,
)
def enqueue_many(
    body: BatchAsked,
    acts: Acting,
    queue: Queue,
    _who: Submitter,
    *,
    key: IdempotencyKey = None,
    full: Annotated[Flag, Query(description="Answer with the tasks, too.")] = False,
) -> Response:
    """In one transaction. `after` may name refs of the same request, before or behind, and ids."""
    lines = [values_of(line) for line in body.tasks]
    tasks = stored(acts, queue, lines, key)
    ids = [task.id for task in tasks]
    by_ref = {line["ref"]: at for line, at in zip(lines, ids, strict=True) if line.get("ref")}
    told: dict[str, Any] = {"ids": ids, "by_ref": by_ref}
    if full:
        told["tasks"] = [_stored_object(task) for task in tasks]
    return answer(told, HTTPStatus.CREATED, _replayed(acts))


def _stored_object(task: Task[Any]) -> dict[str, Any]:
    return task_object(task) | {"is_duplicate": task.is_duplicate}


def _replayed(acts: Acts) -> dict[str, str]:
    """Whether the same request has come before: its tasks were stored then."""
    return {"Idempotency-Replayed": "true"} if acts.was_known else {}


@router.get(
    "/{task_id:id}",
    operation_id="get_a_task",
    summary="One task as it is",
    response_model=TaskShown,
)
def get(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """Without its history."""
    return look(request, task_object(queue.get(task_id)))


@router.patch(
    "/{task_id:id}",
    operation_id="change_a_task",
    summary="Change a task that has not started",
    response_model=TaskShown,
)
def update(task_id: TaskNumber, body: ChangeAsked, acts: Acting, _who: Operator) -> Response:
    """What is not named stays as it is."""
    changes: Any = {
        name: READERS[name](name, value) if name in READERS and value is not None else value
        for name, value in values_of(body).items()
    }
    return answer(task_object(acts.update(task_id, **changes)))


@router.get(
    "/{task_id:id}/explain",
    operation_id="explain_a_task",
    summary="Why a task does not run, or that it may",
    response_model=ExplanationShown,
)
def explain(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """What a claim asks of it, answered; of one that runs or has ended, where or how."""
    return look(request, explanation_object(masked.explanation(queue.explain(task_id))))


@router.get(
    "/{task_id:id}/attempts",
    operation_id="list_the_attempts_of_a_task",
    summary="The attempts that have ended, oldest first",
    response_model=list[AttemptShown],
)
def attempts(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """Without what they wrote."""
    queue.get(task_id)
    return look(request, [attempt_object(one) for one in queue.history(task_id)])


@router.get(
    "/{task_id:id}/history",
    operation_id="get_the_history_of_a_task",
    summary="All that a task went through, oldest first",
    response_model=list[TransitionShown],
)
def history(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """Each change of its status. Of one that was deleted by hand, only that, for 90 days."""
    return look(request, [transition_object(one) for one in queue.transitions(task_id)])


@router.get(
    "/{task_id:id}/log",
    operation_id="get_the_log_of_a_task",
    summary="What the attempts wrote",
    response_model=list[LogShown],
)
def log(
    request: Request,
    task_id: TaskNumber,
    queue: Queue,
    _who: Reader,
    attempt: Annotated[Number | None, Query(description="Its number; default: all.")] = None,
) -> Response:
    """Of those that have ended: stdout and stderr, and the traceback of a function that failed."""
    queue.get(task_id)
    found = [one for one in queue.history(task_id) if attempt in (None, one.number)]
    return look(request, [log_object(one) for one in found])


@router.get(
    "/{task_id:id}/log/live",
    operation_id="follow_the_log_of_a_task",
    summary="What an attempt has written, while it runs too",
    response_model=WrittenShown,
)
def live_log(
    request: Request,
    task_id: TaskNumber,
    queue: Queue,
    _who: Reader,
    run: Annotated[Offset | None, Query(description="Which one; default: the newest.")] = None,
    stdout: Annotated[Offset, Query(description="Only what stands behind it in stdout.")] = 0,
    stderr: Annotated[Offset, Query(description="Only what stands behind it in stderr.")] = 0,
) -> Response:
    """To follow it, ask again with its `run` and offsets; once it has an `outcome`, for the next.

    Of one that runs it is a second or two old.
    """
    found = queue.written(task_id, run=run, stdout=stdout, stderr=stderr)
    return look(request, written_object(found))


@router.get(
    "/{task_id:id}/result",
    operation_id="get_the_result_of_a_task",
    summary="What a task returned, once it has completed",
    response_model=ResultShown,
)
def result(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """Of one that failed, `error` tells why."""
    task = queue.get(task_id)
    told = {"id": task.id, "status": task.status.value, "result": task.returned}
    return look(request, told | {"error": task.error})


@router.get(
    "/{task_id:id}/progress",
    operation_id="get_the_progress_of_a_task",
    summary="How far a task is",
    response_model=HowFarShown,
)
def progress(request: Request, task_id: TaskNumber, queue: Queue, _who: Reader) -> Response:
    """`progress` is null while it has told nothing."""
    told = task_object(queue.get(task_id))
    return look(request, {name: told[name] for name in ("id", "status", "progress")})
