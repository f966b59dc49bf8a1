"""A schedule: which task is stored again and again, by which rule, and what if one was missed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, TypedDict, TypeGuard, TypeVar

from jobrunner.core import payload, template
from jobrunner.core.cron import Cron, Every, Rule, check_interval, read_rule
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.fields import check_integer, check_moment, shown
from jobrunner.core.new_task import NewTask
from jobrunner.core.policy import DEFAULT_CAP, Missed, Overlap
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.core.span import span_word
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.core.zone import find_zone

LONGEST_NAME: Final = 200
CAPS: Final = range(1, 1_001)


W = TypeVar("W", Missed, Overlap)


class ScheduleOptions(TypedDict, total=False):
    """What goes with the rule of a schedule; see `queue.schedules.add`."""

    tz: str
    missed: Literal["skip", "one", "all"]
    missed_cap: int
    overlap: Literal["allow", "skip", "queue"]
    anchor: datetime


class Tick(NamedTuple):
    """One firing. `task_id` is `None` where it was skipped, `status` where its task is gone."""

    tick_at: datetime
    fired_at: datetime
    task_id: TaskId | None
    status: Status | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """A schedule as it is asked for; see `new_schedule`."""

    name: str
    cron: str | None
    every: timedelta | None
    tz: str
    anchor_at: datetime | None
    missed: Missed
    missed_cap: int
    overlap: Overlap
    task: str
    """A template of the tasks, JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(NewSchedule):
    """One stored schedule, as it was when it was read. Moments are UTC."""

    id: int
    anchor_at: datetime
    next_at: datetime | None
    paused_at: datetime | None
    created_at: datetime
    last_task_id: TaskId | None = None
    error: str | None = None
    """Why it was paused by itself: it could not be read where it was to be fired."""

    @property
    def rule(self) -> Rule:
        """When it is due."""
        return make_rule(self.cron, self.every, tz=self.tz, anchor=self.anchor_at)

    @property
    def rule_text(self) -> str:
        """The rule as it can be written."""
        return f"@every {span_word(self.every)}" if self.every else self.cron or ""

    def new_task(self) -> NewTask[Any]:
        """What it stores at each tick.

        Raises:
            InvalidTaskError: it cannot be read.
        """
        return template.decode(self.task)

    def upcoming(self, count: int = 5) -> list[datetime]:
        """The next ticks, as far as can be told now; none of a paused one."""
        found: list[datetime] = []
        at = None if self.paused_at else self.next_at
        while at is not None and len(found) < count:
            found.append(at)
            at = self.rule.next_after(at)
        return found


def make_rule(cron: str | None, every: timedelta | None, *, tz: str, anchor: datetime) -> Rule:
    """The rule of what is stored: one of the two is."""
    return Every(every, anchor) if every is not None else Cron(cron or "", tz)


def new_schedule(
    name: object,
    rule: object,
    task: NewTask[Any],
    *,
    tz: object = "UTC",
    missed: object = Missed.ONE,
    missed_cap: int = DEFAULT_CAP,
    overlap: object = Overlap.SKIP,
    anchor: datetime | None = None,
) -> NewSchedule:
    """Check a schedule as people give it. `rule` is text, or the time between two ticks.

    Raises:
        InvalidScheduleError: the name, the rule, the zone or a policy is not right.
        InvalidTaskError: the task is not, or cannot be stored again and again.
    """
    read = read_rule(rule, tz=tz) if isinstance(rule, str) else check_interval(rule)
    find_zone(tz)
    check_integer("missed_cap", missed_cap, CAPS)
    if anchor is not None:
        check_moment("anchor", anchor)
        if isinstance(read, Cron):
            raise InvalidScheduleError(
                "an anchor goes with an interval; a cron rule has none",
                hint="Leave it out, or write @every in place of the rule.",
            )
    return NewSchedule(
        name=_checked_name(name),
        cron=read.text if isinstance(read, Cron) else None,
        every=None if isinstance(read, Cron) else read,
        tz=str(tz),
        anchor_at=anchor,
        missed=_one_of("missed", missed, Missed),
        missed_cap=missed_cap,
        overlap=_one_of("overlap", overlap, Overlap),
        task=_template(task),
    )


def _checked_name(name: object) -> str:
    text = payload.check_text(name, what="name")
    if not text.strip() or len(text) > LONGEST_NAME:
        raise InvalidScheduleError(
            f"the name of a schedule has from 1 to {LONGEST_NAME} characters, not {len(text)}"
        )
    return text


def _template(task: object) -> str:
    if not _is_task(task):
        raise InvalidTaskError(
            f"a schedule stores a NewTask, not {shown(task)}",
            hint="Bind the function to its arguments: function.bind(…).",
        )
    return template.encode(task)


def _is_task(value: object) -> TypeGuard[NewTask[Any]]:
    return isinstance(value, NewTask)


def _one_of(what: str, word: object, words: type[W]) -> W:
    for one in words:
        if one == word:
            return one
    raise InvalidScheduleError(
        f"{what} cannot be {shown(word)}", hint=f"Say one of: {', '.join(words)}."
    )
