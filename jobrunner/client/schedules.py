"""Tasks that are stored again and again, by a rule, behind a server."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from jobrunner.client.changing import plain
from jobrunner.client.connection import Connection, as_told
from jobrunner.core.line_objects import line_objects
from jobrunner.core.new_task import NewTask
from jobrunner.core.policy import DEFAULT_CAP, Missed, Overlap
from jobrunner.core.read_control import schedule_of, tick_of
from jobrunner.core.read_objects import task_of
from jobrunner.core.schedule import Schedule, Tick, new_schedule
from jobrunner.core.task import Task, TaskSource


class Schedules:
    """The schedules behind a server.

    Raises:
        ScheduleNotFoundError: there is none of the name that was given.
    """

    def __init__(self, connection: Connection, source: TaskSource) -> None:
        """`source` is where their tasks can be read."""
        self._connection = connection
        self._source = source

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

        See `TaskQueue.schedules.add`.

        Raises:
            InvalidScheduleError: the rule or a setting is not right.
            InvalidTaskError: the task is not, or belongs to one moment.
            UnknownFunctionError: the server knows functions, but none of that name.
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
        (line,) = line_objects([task])
        values = {
            "name": new.name,
            "cron": new.cron,
            "every": plain(new.every),
            "task": line,
            "tz": new.tz,
            "missed": new.missed.value,
            "missed_cap": new.missed_cap,
            "overlap": new.overlap.value,
            "anchor_at": plain(new.anchor_at),
        }
        body = {name: value for name, value in values.items() if value is not None}
        return as_told(schedule_of, self._connection.do("schedules", body=body))

    def list(self) -> "list[Schedule]":
        """All there are, by name."""
        told = self._connection.get("schedules")
        return as_told(lambda found: [schedule_of(one) for one in found], told)

    def get(self, name: str) -> Schedule:
        """Read one as it is now."""
        return as_told(schedule_of, self._connection.get("schedules", name))

    def ticks(self, name: str, *, limit: int = 10) -> Sequence[Tick]:
        """The last ticks, 10 at most, the newest first, with what has become of their tasks."""
        told = self._connection.get("schedules", name)
        return as_told(lambda one: [tick_of(tick) for tick in one["ticks"][:limit]], told)

    def pause(self, name: str) -> Schedule:
        """Fire no tick until it is resumed; it lasts over restarts."""
        return as_told(schedule_of, self._connection.do("schedules", name, "pause"))

    def resume(self, name: str) -> Schedule:
        """Fire again from now on; what was due while it was paused is not made up."""
        return as_told(schedule_of, self._connection.do("schedules", name, "resume"))

    def run(self, name: str) -> Task[Any]:
        """Store its task once, now. That is no tick: none is spared, and none looks at it."""
        told = self._connection.do("schedules", name, "run")
        return as_told(lambda one: task_of(one, self._source), told)

    def remove(self, name: str) -> None:
        """Forget it and its ticks; tasks that it has stored stay."""
        self._connection.send("DELETE", "schedules", name)
