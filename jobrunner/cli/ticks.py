"""Schedules and their ticks, for people and as JSON."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from jobrunner.cli import render
from jobrunner.core.control_objects import schedule_object, tick_object
from jobrunner.core.objects import moment

if TYPE_CHECKING:
    from jobrunner.core.schedule import Schedule, Tick


def print_schedules(found: "Sequence[Schedule]", *, as_json: bool) -> None:
    """A line each."""
    if as_json:
        render.as_json([schedule_object(schedule) for schedule in found])
        return
    render.table(
        ("name", "rule", "zone", "next", "task…"),
        (
            (
                schedule.name,
                schedule.rule_text,
                schedule.tz,
                _told_next(schedule),
                _work(schedule),
            )
            for schedule in found
        ),
    )


def print_schedule(schedule: "Schedule", ticks: "Sequence[Tick]", *, as_json: bool) -> None:
    """All that is to be known of one."""
    upcoming = schedule.upcoming()
    if as_json:
        told = {
            "upcoming": [moment(at) for at in upcoming],
            "ticks": [tick_object(tick) for tick in ticks],
        }
        render.as_json(schedule_object(schedule) | told)
        return
    render.fields(
        [
            ("name", schedule.name),
            ("rule", schedule.rule_text),
            ("in words", schedule.rule.in_words()),
            ("task", _work(schedule)),
            ("missed", _missed(schedule)),
            ("overlap", schedule.overlap),
            ("paused since", moment(schedule.paused_at)),
            ("error", schedule.error),
            *(("next", _in_both(at, schedule.tz)) for at in upcoming),
            *(("last", _told(tick, schedule.tz)) for tick in ticks),
        ]
    )


def _told_next(schedule: "Schedule") -> str:
    if schedule.paused_at is not None:
        return "paused" if schedule.error is None else f"paused: {schedule.error}"
    if schedule.next_at is None:
        return "never"
    # Where there is little room, the zone's clock alone: it is named beside it.
    told = _local if render.is_terminal() else _in_both
    return told(schedule.next_at, schedule.tz)


def _work(schedule: "Schedule") -> str:
    task = json.loads(schedule.task)
    return task.get("function") or " ".join(task.get("command", ()))


def _missed(schedule: "Schedule") -> str:
    cap = f", at most {schedule.missed_cap}" if schedule.missed == "all" else ""
    return f"{schedule.missed}{cap}"


def _local(at: datetime, tz: str) -> str:
    """By the clock of the zone."""
    from jobrunner.core.zone import find_zone  # noqa: PLC0415 — `--help` must be quick

    return f"{at.astimezone(find_zone(tz)):%a %Y-%m-%d %H:%M:%S %Z}"


def _in_both(at: datetime, tz: str) -> str:
    """By the clock of the zone, and in UTC behind it where that differs."""
    local = _local(at, tz)
    return local if tz == "UTC" else f"{local} = {at:%Y-%m-%d %H:%M:%S} UTC"


def _told(tick: "Tick", tz: str) -> str:
    if tick.task_id is None:
        return f"{_in_both(tick.tick_at, tz)}: skipped"
    status = tick.status.value if tick.status else "gone"
    return f"{_in_both(tick.tick_at, tz)}: task {tick.task_id}, {status}"
