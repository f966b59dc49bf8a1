"""The events of a queue: sent from anywhere, waited for by tasks."""

from collections.abc import Sequence
from typing import Any, Final

from jobrunner.core import fields, payload
from jobrunner.core.sent import EventWait, SentEvent, check_name
from jobrunner.core.task import TASK_IDS, Task
from jobrunner.runtime.clock import Clock
from jobrunner.storage import sent, waits
from jobrunner.storage.store import Store

SHOWN: Final = 50


class Events:
    """What tasks wait for with `context.wait_for`: `queue.events`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Nothing is opened before it is asked for."""
        self._store = store
        self._clock = clock

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
        text = None if data is None else payload.encode(data, what="data")
        return self._store.write(sent.send, name, text, task_id=task_id, now=self._clock.now())

    def list(self, *, limit: int = SHOWN) -> Sequence[SentEvent]:
        """The events that were sent and are kept, the newest first."""
        return self._store.read(sent.every, limit=limit)

    def waits(self, *, task: int | None = None, limit: int = SHOWN) -> Sequence[EventWait]:
        """Which tasks wait for events, or what one of them waits for; the oldest wait first."""
        return self._store.read(waits.every, task_id=task, limit=limit)
