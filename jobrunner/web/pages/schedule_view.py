"""A schedule as pages show it: in words, on the clock of its zone and in UTC."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from jobrunner.core.errors import JobrunnerError
from jobrunner.core.schedule import Schedule, Tick
from jobrunner.core.status import Status
from jobrunner.core.zone import find_zone


class Moment(NamedTuple):
    """A moment on the clock of a zone, and what it is."""

    at: datetime
    local: str


@dataclass(frozen=True, slots=True)
class Shown:
    """`work` names what it stores, `task` is all of that as JSON; `ticks` are the last ones.

    `last_status` is that of the task that it has stored last, as long as there is one.
    """

    schedule: Schedule
    words: str
    work: str
    task: str
    upcoming: Sequence[Moment]
    ticks: Sequence[tuple[Moment, Tick]] = ()
    last_status: Status | None = None

    @property
    def is_paused(self) -> bool:
        """Whether it fires nothing."""
        return self.schedule.paused_at is not None

    @property
    def is_utc(self) -> bool:
        """Whether its clock and UTC are the same, and one is enough."""
        return self.schedule.tz == "UTC"


def shown(
    schedule: Schedule,
    *,
    count: int = 5,
    ticks: Sequence[Tick] = (),
    last_status: Status | None = None,
) -> Shown:
    """A schedule with its next ticks, `count` of them; one that cannot be read has none."""
    task: Mapping[str, Any] = json.loads(schedule.task)
    try:
        zone = find_zone(schedule.tz)
        words, upcoming = schedule.rule.in_words(), schedule.upcoming(count)
    except JobrunnerError as error:  # a newer version may have stored it
        return Shown(schedule, str(error), _work(task), _json(task), [], last_status=last_status)
    return Shown(
        schedule,
        words,
        _work(task),
        _json(task),
        [_moment(at, zone) for at in upcoming],
        [(_moment(tick.tick_at, zone), tick) for tick in ticks],
        last_status,
    )


def _moment(at: datetime, zone: tzinfo) -> Moment:
    return Moment(at, f"{at.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}")


def _work(task: Mapping[str, Any]) -> str:
    return task.get("function") or " ".join(map(str, task.get("command", ())))


def _json(task: Mapping[str, Any]) -> str:
    return json.dumps(task, indent=2, ensure_ascii=False)
