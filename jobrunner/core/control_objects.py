"""Queues, keys, crews, schedules, batches and events as JSON objects."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobrunner.core.objects import limits_object, moment, task_object, worker_object
from jobrunner.core.status import Status

if TYPE_CHECKING:  # every command that prints JSON imports this, and needs one or two of them
    from jobrunner.core.access import AuditEntry
    from jobrunner.core.batch import Batch
    from jobrunner.core.crew import Crew, Told
    from jobrunner.core.limits import KeyInfo, QueueInfo
    from jobrunner.core.schedule import Schedule, Tick
    from jobrunner.core.sent import EventWait, SentEvent
    from jobrunner.core.system import SystemStatus


def status_object(found: "SystemStatus", now: datetime) -> dict[str, Any]:
    """What is going on now."""
    oldest = found.oldest_pending
    return {
        "schema": 1,
        "tasks": counts_object(found.tasks) | {"total": sum(found.tasks.values())},
        "oldest_pending_s": None if oldest is None else max(0.0, (now - oldest).total_seconds()),
        "oldest_pending_at": moment(oldest),
        "running": [task_object(task) for task in found.running],
        "workers": [worker_object(worker) for worker in found.workers],
    }


def counts_object(tasks: Mapping[Status, int]) -> dict[str, int]:
    """How many tasks have which status."""
    return {status.value: number for status, number in tasks.items()}


def queue_object(queue: "QueueInfo") -> dict[str, Any]:
    """A queue: its tasks by status, whether it is paused, its limits."""
    named = {"name": queue.name, "paused_at": moment(queue.paused_at)}
    return named | limits_object(queue.limits) | {"tasks": counts_object(queue.tasks)}


def key_object(key: "KeyInfo") -> dict[str, Any]:
    """A concurrency key, or a rule for many."""
    named = {"name": key.name, "is_rule": key.is_rule}
    return named | limits_object(key.limits) | {"running": key.running, "waiting": key.waiting}


def told_object(told: "Told") -> dict[str, Any]:
    """Who a word has reached."""
    return {
        "crews": [crew_object(crew) for crew in told.crews],
        "workers": [worker_object(worker) for worker in told.workers],
    }


def crew_object(crew: "Crew") -> dict[str, Any]:
    """What holds for all workers of a crew."""
    return {
        "name": crew.name,
        "paused_at": moment(crew.paused_at),
        "concurrency": crew.concurrency,
    }


def schedule_object(schedule: "Schedule") -> dict[str, Any]:
    """A schedule, without its ticks."""
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "every": schedule.every.total_seconds() if schedule.every else None,
        "tz": schedule.tz,
        "in_words": schedule.rule.in_words(),
        "anchor_at": moment(schedule.anchor_at),
        "missed": schedule.missed.value,
        "missed_cap": schedule.missed_cap,
        "overlap": schedule.overlap.value,
        "task": json.loads(schedule.task),
        "next_at": moment(schedule.next_at),
        "paused_at": moment(schedule.paused_at),
        "created_at": moment(schedule.created_at),
        "error": schedule.error,
    }


def tick_object(tick: "Tick") -> dict[str, Any]:
    """One firing of a schedule."""
    return {
        "tick_at": moment(tick.tick_at),
        "fired_at": moment(tick.fired_at),
        "task_id": tick.task_id,
        "status": tick.status.value if tick.status else None,
    }


def batch_object(batch: "Batch") -> dict[str, Any]:
    """A batch with the counts of its members."""
    return {
        "id": batch.id,
        "description": batch.description,
        "created_at": moment(batch.created_at),
        "on_success": batch.on_success,
        "on_failure": batch.on_failure,
        "on_end": batch.on_end,
        "ended": batch.ended,
        "tasks": counts_object(batch.tasks),
    }


def event_object(event: "SentEvent") -> dict[str, Any]:
    """An event as it was sent last."""
    return {
        "name": event.name,
        "task_id": event.task_id,
        "data": event.payload,
        "sent_at": moment(event.sent_at),
    }


def wait_object(wait: "EventWait") -> dict[str, Any]:
    """A task that waits for an event."""
    return {
        "name": wait.name,
        "task_id": wait.task_id,
        "since": moment(wait.since),
        "until": moment(wait.until),
    }


def audit_object(entry: "AuditEntry") -> dict[str, Any]:
    """One thing that was done over HTTP."""
    return {
        "id": entry.id,
        "at": moment(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "detail": dict(entry.detail),
    }
