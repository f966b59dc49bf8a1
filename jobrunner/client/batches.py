"""Batches behind a server: looked at."""

import contextlib
from typing import Any

from jobrunner.client.connection import Connection, as_told, known
from jobrunner.core.batch import Batch, BatchNotFoundError
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.read_control import batch_of
from jobrunner.core.task import Task, TaskSource


class Batches:
    """The batches behind a server. They are made where the database is."""

    def __init__(self, connection: Connection, source: TaskSource) -> None:
        """`source` is where their tasks can be read."""
        self._connection = connection
        self._source = source

    def get(self, batch_id: int) -> Batch:
        """Read a batch as it is now.

        Raises:
            BatchNotFoundError: there is no such batch.
        """
        try:
            return as_told(batch_of, self._connection.get("batches", known(batch_id)))
        except TaskNotFoundError:
            raise BatchNotFoundError(batch_id) from None

    def find(self, *, before: int | None = None, limit: int = 50) -> list[Batch]:
        """The newest batches, newest first; `before` goes on below an id."""
        pages = self._connection.pages("batches", before=before, limit=limit)
        return [as_told(batch_of, told) for told in pages]

    def callbacks(self, batch: Batch) -> list[Task[Any]]:
        """The callbacks of a batch that are still stored."""
        found: list[Task[Any]] = []
        ids = {batch.on_success, batch.on_failure, batch.on_end}
        for task_id in sorted(one for one in ids if one is not None):
            with contextlib.suppress(TaskNotFoundError):
                found.append(self._source.get(task_id))
        return found
