"""New tasks sent to a server: each call with a key of its own, so that none is stored twice."""

import uuid
from collections.abc import Sequence
from typing import Any

from jobrunner.client.connection import KEY, Connection, as_told, value_of
from jobrunner.core.line_objects import line_objects
from jobrunner.core.new_task import NewTask
from jobrunner.core.read_objects import task_of
from jobrunner.core.task import Task, TaskId, TaskSource


def enqueue_one(connection: Connection, source: TaskSource, new: NewTask[Any]) -> Task[Any]:
    """Store one task."""
    (line,) = line_objects([new])
    told = value_of(connection.send("POST", "tasks", body=line, headers=_key()))
    return as_told(lambda one: task_of(one, source), told)


def enqueue_many(
    connection: Connection, source: TaskSource, new: Sequence[NewTask[Any]]
) -> list[Task[Any]]:
    """Store tasks in one transaction."""
    told = _enqueue(connection, new, full="true")
    return as_told(lambda many: [task_of(one, source) for one in many["tasks"]], told)


def enqueue_ids(connection: Connection, new: Sequence[NewTask[Any]]) -> list[TaskId]:
    """The same; the answer holds only the ids."""
    return as_told(lambda many: [TaskId(one) for one in many["ids"]], _enqueue(connection, new))


def _enqueue(connection: Connection, new: Sequence[NewTask[Any]], **params: str) -> Any:
    if not new:
        return {"ids": [], "tasks": []}
    body = {"tasks": line_objects(new)}
    headers = _key()
    return value_of(
        connection.send("POST", "tasks", "batch", params=params, body=body, headers=headers)
    )


def _key() -> dict[str, str]:
    return {KEY: str(uuid.uuid4())}
