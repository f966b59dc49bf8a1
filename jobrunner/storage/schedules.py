"""Schedules as people set them: by name, to be changed, paused, resumed and removed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, func, select, text, update

from jobrunner.core.policy import Missed, Overlap
from jobrunner.core.schedule import NewSchedule, Schedule, Tick, make_rule
from jobrunner.core.schedule_errors import InvalidScheduleError, ScheduleNotFoundError
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId, may_be_id
from jobrunner.storage.rules import schedules
from jobrunner.storage.tables import tasks
from jobrunner.storage.traces import schedule_ticks
from jobrunner.storage.types import MICROSECOND, micros

_BY_NAME: Final = select(schedules).order_by(schedules.c.name)
_RULE: Final = ("cron", "every", "tz")
_DEFINITION: Final = (*_RULE, "missed", "missed_cap", "overlap", "task")
# The same words on both databases; who was first has made it, and it is then changed if need be.
_INSERT: Final = text(
    "INSERT INTO schedules (name, cron, every, tz, anchor_at, missed, missed_cap, overlap, task,"
    " next_at, created_at) VALUES (:name, :cron, :every, :tz, :anchor_at, :missed, :missed_cap,"
    " :overlap, :task, :next_at, :created_at) ON CONFLICT (name) DO NOTHING"
)


def put(transaction: Connection, new: NewSchedule, *, now: datetime) -> Schedule:
    """Add a schedule, or change the one of its name; the same again changes nothing.

    A rule that has changed counts from now on.

    Raises:
        InvalidScheduleError: it never fires again.
    """
    known = _find(transaction, new.name, lock=True)
    if known is None and _insert(transaction, new, now):
        return get(transaction, new.name)
    known = known or get(transaction, new.name, lock=True)
    values = {
        name: getattr(new, name)
        for name in _DEFINITION
        if getattr(new, name) != getattr(known, name)
    }
    moved = new.anchor_at is not None and new.anchor_at != known.anchor_at
    if moved or not values.keys().isdisjoint(_RULE):
        values["anchor_at"] = new.anchor_at or now
        values["next_at"] = _next(transaction, new, values["anchor_at"], now, known.id)
    if values and known.error is not None:  # it was paused for what has been changed now
        values |= {"error": None, "paused_at": None}
    if values:
        transaction.execute(update(schedules).where(schedules.c.id == known.id).values(**values))
    return get(transaction, new.name)


def _insert(transaction: Connection, new: NewSchedule, now: datetime) -> bool:
    anchor = new.anchor_at or now
    values: dict[str, Any] = {name: getattr(new, name) for name in _DEFINITION}
    values |= {
        "name": new.name,
        "every": None if new.every is None else new.every // MICROSECOND,
        "anchor_at": micros(anchor),
        "next_at": micros(_next(transaction, new, anchor, now)),
        "created_at": micros(now),
    }
    return transaction.execute(_INSERT, values).rowcount == 1


def _next(
    transaction: Connection,
    new: NewSchedule | Schedule,
    anchor: datetime,
    now: datetime,
    schedule_id: int | None = None,
) -> datetime:
    """The first tick behind now, and behind all that were fired, if the clock was set back."""
    query = select(func.max(schedule_ticks.c.tick_at))
    last = transaction.scalar(query.where(schedule_ticks.c.schedule_id == schedule_id))
    rule = make_rule(new.cron, new.every, tz=new.tz, anchor=anchor)
    found = rule.next_after(now if last is None else max(now, last))
    if found is None:
        raise InvalidScheduleError(f"the schedule {new.name!r} never fires again")
    return found


def get(transaction: Connection, name: str, *, lock: bool = False) -> Schedule:
    """Read one.

    Raises:
        ScheduleNotFoundError: there is none of that name.
    """
    found = _find(transaction, name, lock=lock)
    if found is None:
        raise ScheduleNotFoundError(name, transaction.scalars(select(schedules.c.name)).all())
    return found


def _find(transaction: Connection, name: str, *, lock: bool) -> Schedule | None:
    query = select(schedules).where(schedules.c.name == name)
    row = transaction.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _schedule(row)


def every(transaction: Connection) -> list[Schedule]:
    """All there are, by name."""
    return [_schedule(row) for row in transaction.execute(_BY_NAME).mappings()]


def _schedule(row: RowMapping) -> Schedule:
    values = dict(row)
    values |= {"missed": Missed(row["missed"]), "overlap": Overlap(row["overlap"])}
    return Schedule(**values)


def pause(transaction: Connection, name: str, *, now: datetime) -> Schedule:
    """Fire no tick from now on, until it is resumed.

    Raises:
        ScheduleNotFoundError: there is none of that name.
    """
    known = get(transaction, name, lock=True)
    if known.paused_at is None:
        this = update(schedules).where(schedules.c.id == known.id)
        transaction.execute(this.values(paused_at=now))
    return get(transaction, name)


def resume(transaction: Connection, name: str, *, now: datetime) -> Schedule:
    """Fire again from now on; what was due while it was paused is not made up.

    Raises:
        ScheduleNotFoundError: there is none of that name.
        InvalidScheduleError: it never fires again.
    """
    known = get(transaction, name, lock=True)
    if known.paused_at is not None:
        next_at = _next(transaction, known, known.anchor_at, now, known.id)
        this = update(schedules).where(schedules.c.id == known.id)
        transaction.execute(this.values(paused_at=None, error=None, next_at=next_at))
    return get(transaction, name)


def remove(transaction: Connection, name: str) -> None:
    """Forget it and its ticks; tasks that it has stored stay.

    Raises:
        ScheduleNotFoundError: there is none of that name.
    """
    known = get(transaction, name, lock=True)
    transaction.execute(delete(schedules).where(schedules.c.id == known.id))


def ticks(transaction: Connection, name: str, *, limit: int = 10) -> Sequence[Tick]:
    """The last ticks, the newest first, with what has become of their tasks.

    Raises:
        ScheduleNotFoundError: there is none of that name.
    """
    known = get(transaction, name)
    query = (
        select(
            schedule_ticks.c.tick_at,
            schedule_ticks.c.fired_at,
            schedule_ticks.c.task_id,
            tasks.c.status,
        )
        .outerjoin(tasks, tasks.c.id == schedule_ticks.c.task_id)
        .where(schedule_ticks.c.schedule_id == known.id)
        .order_by(schedule_ticks.c.tick_at.desc())
        .limit(limit)
    )
    return [
        Tick(tick_at, fired_at, task_id, None if status is None else Status(status))
        for tick_at, fired_at, task_id, status in transaction.execute(query)
    ]


def tick_of(transaction: Connection, task_id: int) -> datetime | None:
    """The tick that a task was stored for, `None` for any other task."""
    query = select(schedule_ticks.c.tick_at).where(schedule_ticks.c.task_id == TaskId(task_id))
    found: datetime | None = transaction.scalar(query) if may_be_id(task_id) else None
    return found
