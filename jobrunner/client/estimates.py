"""Looks ahead behind a server: how long runs take, and when all will have ended."""

from typing import Any

from jobrunner.client.connection import Connection, as_told, known
from jobrunner.core.estimate import Estimate
from jobrunner.core.estimate_objects import estimate_of, forecast_of
from jobrunner.core.forecast import Forecast
from jobrunner.core.task import Task


class Estimates:
    """By what recorded runs took; with fewer than five runs it says no number."""

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the server."""
        self._connection = connection

    def run(self, name: str) -> Estimate:
        """How long a run takes of a function, or of commands of that description or first word."""
        return as_told(estimate_of, self._connection.get("estimate", "run", name=name))

    def left(self, task: Task[Any] | int) -> Estimate:
        """How long a task still runs; of one that waits, how long it will run.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        task_id = known(task.id if isinstance(task, Task) else task)
        return as_told(estimate_of, self._connection.get("tasks", task_id, "estimate"))

    def start(self, task: Task[Any] | int) -> Estimate:
        """How long it is until a task that waits starts, in the slots that workers have now.

        Raises:
            TaskNotFoundError: there is no such task.
        """
        task_id = known(task.id if isinstance(task, Task) else task)
        return as_told(estimate_of, self._connection.get("tasks", task_id, "estimate", "start"))

    def end(
        self,
        task_id: int | None = None,
        *,
        batch_id: int | None = None,
        workers: int | None = None,
    ) -> Forecast:
        """When all will have ended that a task hangs together with, or a batch, or all there is.

        `workers` is how many tasks run at a time: as many as do now, unless it is said.

        Raises:
            TaskNotFoundError: there is no such task.
            BatchNotFoundError: there is no such batch.
            InvalidTaskError: a number of workers from 1 to 100,000 is needed.
        """
        task = None if task_id is None else known(task_id)
        told = self._connection.get("estimate", task=task, batch=batch_id, workers=workers)
        return as_told(forecast_of, told)
