"""`queue.schedules`: tasks that are stored again and again, by a rule."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from jobrunner.core.new_task import NewTask
from jobrunner.core.policy import DEFAULT_CAP, Missed, Overlap
from jobrunner.core.schedule import Schedule, Tick, new_schedule
from jobrunner.core.task import Task
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.registry import Registry
from jobrunner.storage import schedules
from jobrunner.storage.store import Store


class Home(Protocol):
    """What this needs of a queue."""

    store: Store
    clock: Clock
    registry: Registry

    def enqueue(self, new: NewTask[Any]) -> Task[Any]:
        """Store one task."""
        ...


class Schedules:
    """The schedules of a queue. Any number of workers fire them; each tick is fired once."""

    def __init__(self, queue: Home) -> None:
        """Nothing is read yet."""
        self._queue = queue

    def add(
        self,
        name: str,
        rule: str | timedelta,
        task: NewTask[Any],
        *,
        tz: str = "UTC",
        missed: str = Missed.ONE,
        missed_cap: int = DEFAULT_CAP,
        overlap: str = Overlap.SKIP,
        anchor: datetime | None = None,
    ) -> Schedule:
        """Store `task` again and again, or change the schedule of that name.

        `rule` is five fields of cron, read by the clock of the zone `tz`, a word such as `@daily`,
        or the time between two ticks, counted from `anchor` or from now. `missed` tells what
        becomes of ticks that nobody was there to fire: `skip` them, store `one` task for them, or
        one for each, `all`, the newest `missed_cap` at most. `overlap` tells what becomes of a
        tick while the task of the tick before has not ended: `skip` it, `allow` both, or `queue`
        the new task until the other has ended. The same again changes nothing.

        Raises:
            InvalidScheduleError: the rule or a setting is not right.
            InvalidTaskError: the task is not, or belongs to one moment.
            UnknownFunctionError: functions are registered here, but none of that name.
        """
        new = new_schedule(
            name,
            rule,
            task,
            tz=tz,
            missed=missed,
            missed_cap=missed_cap,
            overlap=overlap,
            anchor=anchor,
        )
        self._queue.registry.require({task.function} if task.function else ())
        return self._queue.store.write(schedules.put, new, now=self._queue.clock.now())

    def list(self) -> "list[Schedule]":
        """All there are, by name."""
        return self._queue.store.read(schedules.every)

    def get(self, name: str) -> Schedule:
        """Read one as it is now.

        Raises:
            ScheduleNotFoundError: there is none of that name.
        """
        return self._queue.store.read(schedules.get, name)

    def ticks(self, name: str, *, limit: int = 10) -> Sequence[Tick]:
        """The last ticks, the newest first, with what has become of their tasks.

        Raises:
            ScheduleNotFoundError: there is none of that name.
        """
        return self._queue.store.read(schedules.ticks, name, limit=limit)

    def tick_of(self, task_id: int) -> datetime | None:
        """The tick that a task was stored for, `None` for a task of no tick."""
        return self._queue.store.read(schedules.tick_of, task_id)

    def pause(self, name: str) -> Schedule:
        """Fire no tick until it is resumed; it lasts over restarts.

        Raises:
            ScheduleNotFoundError: there is none of that name.
        """
        return self._queue.store.write(schedules.pause, name, now=self._queue.clock.now())

    def resume(self, name: str) -> Schedule:
        """Fire again from now on; what was due while it was paused is not made up.

        Raises:
            ScheduleNotFoundError: there is none of that name.
            InvalidScheduleError: it never fires again.
        """
        return self._queue.store.write(schedules.resume, name, now=self._queue.clock.now())

    def run(self, name: str) -> Task[Any]:
        """Store its task once, now. That is no tick: none is spared, and none looks at it.

        Raises:
            ScheduleNotFoundError: there is none of that name.
        """
        return self._queue.enqueue(self.get(name).new_task())

    def remove(self, name: str) -> None:
        """Forget it and its ticks; tasks that it has stored stay.

        Raises:
            ScheduleNotFoundError: there is none of that name.
        """
        self._queue.store.write(schedules.remove, name)
