"""The JSON objects of `objects`, read back: tasks, attempts, workers, limits, reports."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jobrunner.core.history import AttemptRecord
from jobrunner.core.limits import Limits, Rate
from jobrunner.core.report import By, GroupReport, Report, Spread, WorkerReport
from jobrunner.core.status import Status
from jobrunner.core.task import Progress, Task, TaskId, TaskSource, WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus

Told = Mapping[str, Any]
"""A JSON object. One that is none of ours is a KeyError, TypeError or ValueError."""

TOTAL: Final = "total"


def moment_of(text: str | None) -> datetime | None:
    """A moment, if there is one."""
    return None if text is None else at(text)


def at(text: str) -> datetime:
    """A moment, UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def span_of(seconds: float | None) -> timedelta | None:
    """A span, if there is one."""
    return None if seconds is None else timedelta(seconds=seconds)


def counts_of(told: Mapping[str, int]) -> dict[Status, int]:
    """How many tasks have which status; a total is left out."""
    return {Status(name): number for name, number in told.items() if name != TOTAL}


def task_of(told: Told, source: TaskSource | None = None) -> Task[Any]:
    """A task; `source` is where it can be read again."""
    progress, command = told["progress"], told["command"]
    return Task(
        id=TaskId(told["id"]),
        status=Status(told["status"]),
        queue=told["queue"],
        function=told["function"],
        command=None if command is None else tuple(command),
        cwd=told["cwd"],
        args=tuple(told["args"]),
        kwargs=told["kwargs"],
        priority=told["priority"],
        description=told["description"],
        attempt=told["attempt"],
        max_attempts=told["max_attempts"],
        crashes=told["crashes"],
        timeout=span_of(told["timeout"]),
        created_at=at(told["created_at"]),
        run_at=at(told["run_at"]),
        started_at=moment_of(told["started_at"]),
        finished_at=moment_of(told["finished_at"]),
        cancel_requested_at=moment_of(told["cancel_requested_at"]),
        worker_id=told["worker_id"],
        progress=None if progress is None else Progress(**progress),
        returned=told["result"],
        error=told["error"],
        after=tuple(told["after"]),
        concurrency_key=told["concurrency_key"],
        needs=told["needs"],
        unique_key=told["unique_key"],
        expires_at=moment_of(told["expires_at"]),
        batch_id=told["batch_id"],
        is_duplicate=told.get("is_duplicate", False),
        source=source,
    )


def attempt_of(told: Told, task_id: int) -> AttemptRecord:
    """One attempt of a task; its output and traceback are there if the object tells them."""
    return AttemptRecord(
        task_id=TaskId(task_id),
        number=told["number"],
        worker_id=WorkerId(told["worker_id"]),
        ready_at=at(told["ready_at"]),
        started_at=at(told["started_at"]),
        ended_at=at(told["ended_at"]),
        outcome=told["outcome"],
        error=told["error"],
        traceback=told.get("traceback"),
        exit_code=told["exit_code"],
        stdout=told.get("stdout"),
        stderr=told.get("stderr"),
        cpu_s=told["cpu_s"],
        peak_memory=told["peak_memory"],
    )


def worker_of(told: Told) -> WorkerInfo:
    """One worker. What only its own host needs is not told: its `boot_id`, its `beat`."""
    return WorkerInfo(
        id=WorkerId(told["id"]),
        host=told["host"],
        boot_id="",
        pid=told["pid"],
        executor=told["executor"],
        concurrency=told["concurrency"],
        queues=tuple(told["queues"]),
        status=WorkerStatus(told["status"]),
        beat=0,
        started_at=at(told["started_at"]),
        seen_at=at(told["seen_at"]),
        stopped_at=moment_of(told["stopped_at"]),
        error=told["error"],
        crew=told["crew"],
        offers=told["offers"],
        paused_at=moment_of(told["paused_at"]),
        wanted=told["wanted"],
        stop_requested_at=moment_of(told["stop_requested_at"]),
    )


def limits_of(told: Told) -> Limits:
    """The limits of a queue or a key."""
    number, period = told["rate"], span_of(told["period"])
    rate = None if number is None or period is None else Rate(number, period)
    return Limits(told["concurrency"], rate)


def report_of(told: Told, workers: Mapping[str, WorkerInfo]) -> Report:
    """The whole report. Of workers it tells little: `workers` are those it may name."""
    return Report(
        tasks=counts_of(told["tasks"]),
        attempts={name: number for name, number in told["attempts"].items() if number},
        elapsed_s=told["elapsed_s"],
        throughput_per_s=told["throughput_per_s"],
        wait=_spread(told["wait_s"]),
        run=_spread(told["run_s"]),
        functions=[_group(one) for one in told["functions"]],
        workers=[
            _worker(one, workers[one["id"]]) for one in told["workers"] if one["id"] in workers
        ],
        busy_s=told["busy_s"],
        wasted={name: spent for name, spent in told["wasted_s"].items() if spent and name != TOTAL},
        by=None if told["by"] is None else By(told["by"]),
        groups=[_group(one) for one in told["groups"]],
    )


def _group(told: Told) -> GroupReport:
    return GroupReport(
        name=told["name"],
        count=told["count"],
        completed=told["completed"],
        failed=told["failed"],
        lost=told["lost"],
        busy_s=told["busy_s"],
        wasted_s=told["wasted_s"],
        wait=_spread(told["wait_s"]),
        run=_spread(told["run_s"]),
        cpu_s=told["cpu_s"],
        peak_memory=told["peak_memory"],
    )


def _worker(told: Told, info: WorkerInfo) -> WorkerReport:
    """As the worker was when the report was made, for what can have changed since."""
    then = replace(info, status=WorkerStatus(told["status"]), concurrency=told["concurrency"])
    return WorkerReport(
        info=then,
        completed=told["completed"],
        failed=told["failed"],
        lost=told["lost"],
        busy_s=told["busy_s"],
        alive_s=told["alive_s"],
        wasted_s=told["wasted_s"],
    )


def _spread(told: Told) -> Spread | None:
    return (
        None if told["p50"] is None else Spread(told["p50"], told["p95"], told["p99"], told["max"])
    )
