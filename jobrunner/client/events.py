"""Events behind a server: sent to tasks; and the changes, told as they happen."""

from collections.abc import Iterator
from typing import Any

from jobrunner.client.connection import Connection, as_told
from jobrunner.client.following import follow
from jobrunner.core import fields, payload
from jobrunner.core.insight import Changes, Cursor
from jobrunner.core.sent import check_name
from jobrunner.core.task import TASK_IDS, Task


class Events:
    """What tasks wait for with `context.wait_for`; called, what happens as it happens."""

    def __init__(self, connection: Connection) -> None:
        """`connection` leads to the server."""
        self._connection = connection

    def __call__(self, since: Cursor | str | None = None) -> Iterator[Changes]:
        """What happens, as it happens, at most four times a second, without end.

        `since` is the cursor of the last changes somebody was told; without one, the first tell
        only where things stand. A connection that is cut is made again, and what happened
        meanwhile is told, if `is_cut` the newest of it only. Leaving the loop ends it.

        Raises:
            UnreachableError: the server is gone, and has not come back.
            TooManyStreamsError: it gives no more streams.
        """
        cursor = Cursor.parse(since) if isinstance(since, str) else since
        return follow(self._connection, cursor)

    def send(self, name: str, data: Any = None, *, task: Task[Any] | int | None = None) -> int:
        """Send an event to one task, or to all that wait for it or ever will.

        It is kept for seven days, and one of the same name to the same task takes its place; a task
        gets it once. `data` is any JSON value. Returns how many tasks start again for it.

        Raises:
            InvalidTaskError: the name or the data cannot be stored.
            TaskNotFoundError: there is no such task.
            TaskStateError: it has ended.
        """
        check_name(name)
        task_id = task.id if isinstance(task, Task) else task
        if task_id is not None:
            fields.check_integer("task", task_id, TASK_IDS)
        payload.encode(data, what="data")
        body = {"name": name, "payload": data, "task_id": task_id}
        return as_told(lambda one: int(one["woken"]), self._connection.do("events", body=body))
