"""Fire the ticks that are due: their rows, their tasks and the next moment in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    literal_column,
    select,
    update,
)

from jobrunner.core import template
from jobrunner.core.due import Due, due
from jobrunner.core.errors import JobrunnerError
from jobrunner.core.new_task import NewTask, Parent
from jobrunner.core.policy import Missed, Overlap
from jobrunner.core.schedule import make_rule
from jobrunner.core.status import FINAL
from jobrunner.core.task import TaskId
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.prepared import Insert, Update
from jobrunner.storage.rules import schedules
from jobrunner.storage.tables import tasks
from jobrunner.storage.traces import schedule_ticks
from jobrunner.storage.types import Long, Moment, micros

AT_ONCE: Final = 200
"""Schedules that one transaction fires, unless they have missed many ticks."""

TICKS_AT_ONCE: Final = 1_000
"""Tasks that one transaction stores, about: the last of its schedules may go beyond."""

KEPT: Final = timedelta(days=30)
"""How long a tick is kept once the next one has been fired."""

_DUE: Final = (
    select(schedules)
    .where(
        schedules.c.next_at <= bindparam("now", type_=Moment),
        schedules.c.next_at.is_not(None),
        schedules.c.paused_at.is_(None),
    )
    .order_by(schedules.c.next_at)
    .limit(literal_column(str(AT_ONCE)))
    .with_for_update(skip_locked=True)  # another fires it at this moment
)
_IDS: Final = bindparam("ids", expanding=True, type_=Long)
_FIRED: Final = select(schedule_ticks.c.schedule_id, schedule_ticks.c.tick_at).where(
    schedule_ticks.c.schedule_id.in_(_IDS),
    schedule_ticks.c.tick_at >= bindparam("since", type_=Moment),
)
_OLD: Final = delete(schedule_ticks).where(
    schedule_ticks.c.schedule_id.in_(_IDS),
    schedule_ticks.c.tick_at < bindparam("before", type_=Moment),
)
_LIVE: Final = select(tasks.c.id).where(
    tasks.c.id.in_(_IDS), tasks.c.status.not_in([status.value for status in FINAL])
)
_PAUSE: Final = (
    update(schedules)
    .where(schedules.c.id == bindparam("this"))
    .values(paused_at=bindparam("now"), error=bindparam("why"))
)
_INSERT: Final = Insert(schedule_ticks, ("schedule_id", "tick_at", "task_id", "fired_at"))
_MOVE_ON: Final = Update(
    schedules,
    match=("id",),
    set_=("next_at", "last_task_id"),
    also="error = NULL",
    returning="schedules.id",
)


class _Firing(NamedTuple):
    """A tick to be written down, and its task, if it gets one."""

    schedule_id: int
    tick_at: datetime
    task: NewTask[Any] | None


def fire(transaction: Connection, *, now: datetime) -> int:
    """Fire what is due, a bounded number of schedules at once; returns how many.

    Whoever else fires at the same time has other schedules, or finds these moved on. A schedule
    that cannot be read here is paused, with the reason: it must not keep all others from firing.
    """
    rows = transaction.execute(_DUE, {"now": now}).all()
    if not rows:
        return 0
    fired = _already_fired(transaction, rows)
    live = _live_before(transaction, rows)
    firings: list[_Firing] = []
    moved: list[tuple[Any, Due]] = []
    broken: list[dict[str, Any]] = []
    for row in rows:
        if len(firings) >= TICKS_AT_ONCE:
            break
        if row.overlap == Overlap.QUEUE and live.get(row.last_task_id) is False:
            continue  # it is ending at this moment: in the next turn it has
        try:
            found = _due(row, now)
            firings += _firings(row, found, fired, is_live=row.last_task_id in live)
            moved.append((row, found))
        except JobrunnerError as error:
            broken.append({"this": row.id, "now": now, "why": f"{error}"})
    if broken:
        transaction.execute(_PAUSE, broken)
    _write(transaction, firings, moved, now=now)
    return len(moved) + len(broken)


def _due(row: Any, now: datetime) -> Due:
    rule = make_rule(row.cron, row.every, tz=row.tz, anchor=row.anchor_at)
    missed, cap = Missed(row.missed), row.missed_cap
    return due(rule, next_at=row.next_at, now=now, missed=missed, cap=cap)


def _already_fired(transaction: Connection, rows: Sequence[Any]) -> set[tuple[int, datetime]]:
    """Ticks from here on that have been fired: none, unless somebody has set a moment back."""
    since = min(row.next_at for row in rows)
    found = transaction.execute(_FIRED, {"ids": [row.id for row in rows], "since": since})
    return {(schedule_id, tick_at) for schedule_id, tick_at in found}


def _live_before(transaction: Connection, rows: Sequence[Any]) -> dict[int | None, bool]:
    """The last tasks of these schedules that have not ended, where that matters.

    `False` for one that is to be waited for and that somebody holds: whoever settles tasks waits
    for nobody in the middle of it.
    """
    by_overlap: dict[Overlap, list[int]] = {overlap: [] for overlap in Overlap}
    for row in rows:
        if row.last_task_id is not None:
            by_overlap[Overlap(row.overlap)].append(row.last_task_id)
    live: dict[int | None, bool] = {}
    asked = by_overlap[Overlap.SKIP] + by_overlap[Overlap.QUEUE]
    if asked:
        live = dict.fromkeys(transaction.scalars(_LIVE, {"ids": asked}), True)
    to_hold = [task_id for task_id in by_overlap[Overlap.QUEUE] if task_id in live]
    if to_hold:
        held = _LIVE.order_by(tasks.c.id).with_for_update(read=True, skip_locked=True)
        live |= dict.fromkeys(to_hold, False)
        live |= dict.fromkeys(transaction.scalars(held, {"ids": to_hold}), True)
    return live


_template: Final = lru_cache(maxsize=1024)(template.decode)


def _firings(
    row: Any, found: Due, fired: set[tuple[int, datetime]], *, is_live: bool
) -> list[_Firing]:
    """The ticks of one schedule, each with its task or without one."""
    firings: list[_Firing] = []
    before: Parent | None = row.last_task_id if is_live else None
    for tick_at in found.ticks:
        if (row.id, tick_at) in fired:
            continue
        task: NewTask[Any] | None = None
        if not found.is_missed and not (row.overlap == Overlap.SKIP and before is not None):
            waits = row.overlap == Overlap.QUEUE and before is not None
            parents: Sequence[Parent] = [before] if waits and before is not None else []
            task = before = replace(_template(row.task), after_any=parents)
        firings.append(_Firing(row.id, tick_at, task))
    return firings


def _write(
    transaction: Connection,
    firings: Sequence[_Firing],
    moved: Sequence[tuple[Any, Due]],
    *,
    now: datetime,
) -> None:
    new = [firing.task for firing in firings if firing.task is not None]
    ids = iter([row["id"] for row in enqueue(transaction, new, now=now)])
    last: dict[int, TaskId] = {}
    rows: list[tuple[int, int, TaskId | None, int]] = []
    for firing in firings:
        task_id = None if firing.task is None else next(ids)
        if task_id is not None:
            last[firing.schedule_id] = task_id
        rows.append((firing.schedule_id, micros(firing.tick_at), task_id, micros(now)))
    _INSERT.run(transaction, rows)
    _MOVE_ON.run(
        transaction,
        [
            (
                row.id,
                None if found.next_at is None else micros(found.next_at),
                last.get(row.id, row.last_task_id),
            )
            for row, found in moved
        ],
    )
    if moved:
        ids_moved = [row.id for row, _ in moved]
        transaction.execute(_OLD, {"ids": ids_moved, "before": now - KEPT})
