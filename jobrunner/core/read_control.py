"""The JSON objects of `control_objects`, read back: queues, crews, schedules, batches, changes."""

from collections.abc import Sequence
from typing import Any

from jobrunner.core import payload
from jobrunner.core.batch import Batch
from jobrunner.core.bulk import Done, Refused
from jobrunner.core.crew import Crew
from jobrunner.core.crew import Told as Reached
from jobrunner.core.insight import Changes, Cursor, EndedAttempt, Enqueued
from jobrunner.core.limits import KeyInfo, QueueInfo
from jobrunner.core.policy import Missed, Overlap
from jobrunner.core.read_objects import (
    Told,
    at,
    counts_of,
    limits_of,
    moment_of,
    span_of,
    task_of,
    worker_of,
)
from jobrunner.core.schedule import Schedule, Tick
from jobrunner.core.status import Status
from jobrunner.core.system import SystemStatus
from jobrunner.core.task import TaskId, TaskSource


def status_of(told: Told, source: TaskSource | None = None) -> SystemStatus:
    """What is going on; `source` is where its tasks can be read again."""
    return SystemStatus(
        tasks=counts_of(told["tasks"]),
        running=[task_of(task, source) for task in told["running"]],
        workers=[worker_of(worker) for worker in told["workers"]],
        oldest_pending=moment_of(told["oldest_pending_at"]),
    )


def queue_of(told: Told) -> QueueInfo:
    """A queue."""
    paused_at = moment_of(told["paused_at"])
    return QueueInfo(told["name"], limits_of(told), paused_at, counts_of(told["tasks"]))


def key_of(told: Told) -> KeyInfo:
    """A concurrency key, or a rule for many."""
    numbers = told["running"], told["waiting"]
    return KeyInfo(told["name"], limits_of(told), told["is_rule"], *numbers)


def crew_of(told: Told) -> Crew:
    """What holds for all workers of a crew."""
    paused_at = moment_of(told["paused_at"])
    return Crew(name=told["name"], paused_at=paused_at, concurrency=told["concurrency"])


def reached_of(told: Told) -> Reached:
    """Who a word has reached."""
    return Reached(
        crews=[crew_of(crew) for crew in told["crews"]],
        workers=[worker_of(worker) for worker in told["workers"]],
    )


def schedule_of(told: Told) -> Schedule:
    """A schedule. What only the database needs is not told: its `id` and `last_task_id`."""
    return Schedule(
        id=0,
        name=told["name"],
        cron=told["cron"],
        every=span_of(told["every"]),
        tz=told["tz"],
        anchor_at=at(told["anchor_at"]),
        missed=Missed(told["missed"]),
        missed_cap=told["missed_cap"],
        overlap=Overlap(told["overlap"]),
        task=payload.encode(told["task"], what="task"),
        next_at=moment_of(told["next_at"]),
        paused_at=moment_of(told["paused_at"]),
        created_at=at(told["created_at"]),
        error=told["error"],
    )


def tick_of(told: Told) -> Tick:
    """One firing of a schedule."""
    status = told["status"]
    return Tick(
        at(told["tick_at"]),
        at(told["fired_at"]),
        told["task_id"],
        None if status is None else Status(status),
    )


def batch_of(told: Told) -> Batch:
    """A batch with the counts of its members."""
    return Batch(
        id=told["id"],
        description=told["description"],
        created_at=at(told["created_at"]),
        on_success=told["on_success"],
        on_failure=told["on_failure"],
        on_end=told["on_end"],
        tasks=counts_of(told["tasks"]),
    )


def done_of(told: Told) -> Done:
    """What became of many tasks."""
    refused = [Refused(TaskId(one["id"]), one["why"]) for one in told["first_refused"]]
    return Done(told["done"], told["refused"], refused)


def changes_of(told: Told) -> Changes:
    """What happened behind a cursor."""
    return Changes(
        cursor=Cursor.parse(told["cursor"]),
        enqueued=_enqueued(told["enqueued"]),
        ended=[_ended(one) for one in told["ended"]],
        counts=counts_of(told["counts"]),
        is_cut=told["is_cut"],
        lags=told["lags"],
    )


def _enqueued(told: Sequence[Any]) -> list[Enqueued]:
    return [
        Enqueued(
            id=TaskId(one["id"]),
            name=one["name"],
            queue=one["queue"],
            status=Status(one["status"]),
        )
        for one in told
    ]


def _ended(told: Told) -> EndedAttempt:
    return EndedAttempt(
        task_id=TaskId(told["task_id"]),
        name=told["name"],
        status=Status(told["status"]),
        worker_id=told["worker_id"],
        number=told["number"],
        outcome=told["outcome"],
        ended_at=at(told["ended_at"]),
        run_s=told["run_s"],
    )
