"""An explanation as a JSON object, and read back."""

from typing import Any

from jobrunner.core.explanation import Explanation
from jobrunner.core.insight_graph import TaskNode
from jobrunner.core.insight_objects import node_object
from jobrunner.core.objects import moment
from jobrunner.core.read_objects import Told, moment_of
from jobrunner.core.reasons import Reason
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId


def explanation_object(found: Explanation) -> dict[str, Any]:
    """Why a task does not run, or that it may."""
    return {
        "task_id": found.task_id,
        "status": found.status.value,
        "is_runnable": found.is_runnable,
        "reasons": [reason_object(reason) for reason in found.reasons],
    }


def reason_object(reason: Reason) -> dict[str, Any]:
    """One thing that is to say of it."""
    return {
        "kind": reason.kind,
        "text": reason.text,
        "hint": reason.hint,
        "is_blocking": reason.is_blocking,
        "at": moment(reason.at),
        "tasks": [node_object(node) for node in reason.tasks],
    }


def explanation_of(told: Told) -> Explanation:
    """An explanation."""
    return Explanation(
        task_id=TaskId(told["task_id"]),
        status=Status(told["status"]),
        is_runnable=told["is_runnable"],
        reasons=tuple(_reason(one) for one in told["reasons"]),
    )


def _reason(told: Told) -> Reason:
    return Reason(
        kind=told["kind"],
        text=told["text"],
        hint=told["hint"],
        is_blocking=told["is_blocking"],
        at=moment_of(told["at"]),
        tasks=tuple(_node(one) for one in told["tasks"]),
    )


def _node(told: Told) -> TaskNode:
    return TaskNode(
        id=TaskId(told["id"]),
        name=told["name"],
        status=Status(told["status"]),
        started_at=moment_of(told["started_at"]),
        finished_at=moment_of(told["finished_at"]),
        run_s=told["run_s"],
    )
