"""Queues and concurrency keys over REST: looked at, paused, resumed, limited."""

from typing import Any

from fastapi import APIRouter, Request, Response

from jobrunner.core.control_objects import key_object, queue_object
from jobrunner.core.errors import ConfigurationError, TaskNotFoundError
from jobrunner.core.limits import NewLimits, QueueInfo
from jobrunner.core.objects import limits_object
from jobrunner.task_queue import TaskQueue
from jobrunner.web.acts import Acting
from jobrunner.web.api.answers import answer, look
from jobrunner.web.api.house_models import KeyShown, LimitsShown, PauseShown, QueueShown
from jobrunner.web.api.kinds import values_of
from jobrunner.web.api.orders import LimitsAsked
from jobrunner.web.api.params import Name
from jobrunner.web.api.reading import StrictRoute
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.serving import Queue

router = APIRouter(tags=["queues"], route_class=StrictRoute)


@router.get(
    "/queues",
    operation_id="list_queues",
    summary="Queues: their tasks by status, whether they are paused, their limits",
    response_model=list[QueueShown],
)
def queues(request: Request, queue: Queue, _who: Reader) -> Response:
    """Those that have tasks or for which something was set, by name."""
    return look(request, [queue_object(one) for one in queue.queues.list()])


@router.get(
    "/queues/{name}",
    operation_id="get_a_queue",
    summary="One queue",
    response_model=QueueShown,
)
def one_queue(request: Request, name: Name, queue: Queue, _who: Reader) -> Response:
    """One that has tasks, or for which something was set."""
    return look(request, queue_object(_found(queue, name)))


def _found(queue: TaskQueue, name: str) -> QueueInfo:
    for one in queue.queues.list():
        if one.name == name:
            return one
    raise QueueNotFoundError(name)


class QueueNotFoundError(TaskNotFoundError):
    """No task is in that queue, and nothing was set for it."""

    hint = "List what there is with `jobrunner queue list`."

    def __init__(self, name: str) -> None:
        """`name` is what was asked for."""
        super().__init__(0)
        self.args = (f"there is no queue {name!r}",)
        self.name = name


@router.post(
    "/queues/{name}/pause",
    operation_id="pause_a_queue",
    summary="Start no more tasks of a queue",
    response_model=PauseShown,
)
def pause(name: Name, acts: Acting, _who: Operator) -> Response:
    """What runs goes on. It lasts over restarts."""
    return answer({"name": name, "paused": True, "changed": acts.pause_queue(name)})


@router.post(
    "/queues/{name}/resume",
    operation_id="resume_a_queue",
    summary="Go on with a queue",
    response_model=PauseShown,
)
def resume(name: Name, acts: Acting, _who: Operator) -> Response:
    """`changed` is false where it was not paused."""
    return answer({"name": name, "paused": False, "changed": acts.resume_queue(name)})


@router.put(
    "/queues/{name}/limits",
    operation_id="limit_a_queue",
    summary="Set the limits of a queue, over all workers",
    response_model=LimitsShown,
)
def limit_queue(name: Name, body: LimitsAsked, acts: Acting, _who: Operator) -> Response:
    """Answers with those that hold now."""
    return answer({"name": name} | limits_object(acts.limit_queue(name, **_change(body))))


@router.get(
    "/keys",
    operation_id="list_concurrency_keys",
    summary="The concurrency keys that have limits, or tasks that run or wait",
    response_model=list[KeyShown],
)
def keys(request: Request, queue: Queue, _who: Reader) -> Response:
    """By name. A key that nobody has set limits for runs one at a time."""
    return look(request, [key_object(one) for one in queue.keys.list()])


@router.put(
    "/keys/{name}/limits",
    operation_id="limit_a_concurrency_key",
    summary="Set the limits of a key, and of each that begins with it and a colon apart",
    response_model=LimitsShown,
)
def limit_key(name: Name, body: LimitsAsked, acts: Acting, _who: Operator) -> Response:
    """Answers with those that hold now."""
    return answer({"name": name} | limits_object(acts.limit_key(name, **_change(body))))


def _change(body: LimitsAsked) -> NewLimits:
    said: dict[str, Any] = values_of(body)
    change = NewLimits()
    if not said:
        hint = "Give `concurrency`, or `rate` with `period`; null lifts one."
        raise ConfigurationError("there is no limit to set", hint=hint)
    if "concurrency" in said:
        change["concurrency"] = said["concurrency"]
    if (said.get("rate") is None) != (said.get("period") is None):
        hint = 'At most 10 starts a minute: {"rate": 10, "period": 60}.'
        raise ConfigurationError("a rate goes with its period, in seconds", hint=hint)
    if "rate" in said or "period" in said:
        rate, period = said.get("rate"), said.get("period")
        change["rate"] = None if rate is None or period is None else (rate, period)
    return change
