"""Tasks, workers and reports as the JSON objects that others rely on: `read_objects` reads them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobrunner.core.history import AttemptRecord
from jobrunner.core.limits import Limits
from jobrunner.core.outcome import WORDS
from jobrunner.core.report import WASTED, GroupReport, Report, Spread, WorkerReport
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.core.worker import WorkerInfo


def moment(value: datetime | None) -> str | None:
    """ISO 8601, UTC, to the microsecond."""
    return (
        None if value is None else value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    )


def counts_text(tasks: Mapping[Status, int]) -> str:
    """How many tasks have which status, those that none has left out: `2 pending, 1 failed`."""
    return ", ".join(f"{number} {status}" for status, number in tasks.items() if number)


def task_object(task: Task[Any]) -> dict[str, Any]:
    """A task, without its history."""
    return {
        "id": task.id,
        "description": task.description,
        "status": task.status.value,
        "created_at": moment(task.created_at),
        "queue": task.queue,
        "function": task.function,
        "command": list(task.command) if task.command else None,
        "cwd": task.cwd,
        "args": list(task.args),
        "kwargs": task.kwargs,
        "priority": task.priority,
        "attempt": task.attempt,
        "max_attempts": task.max_attempts,
        "crashes": task.crashes,
        "timeout": task.timeout.total_seconds() if task.timeout else None,
        "run_at": moment(task.run_at),
        "started_at": moment(task.started_at),
        "finished_at": moment(task.finished_at),
        "cancel_requested_at": moment(task.cancel_requested_at),
        "worker_id": task.worker_id,
        "progress": None
        if task.progress is None
        else {
            "done": task.progress.done,
            "total": task.progress.total,
            "note": task.progress.note,
        },
        "result": task.returned,
        "error": task.error,
        "after": list(task.after),
        "concurrency_key": task.concurrency_key,
        "needs": dict(task.needs),
        "unique_key": task.unique_key,
        "expires_at": moment(task.expires_at),
        "batch_id": task.batch_id,
    }


def attempt_object(attempt: AttemptRecord) -> dict[str, Any]:
    """One attempt, without its output."""
    return {
        "number": attempt.number,
        "worker_id": attempt.worker_id,
        "ready_at": moment(attempt.ready_at),
        "started_at": moment(attempt.started_at),
        "ended_at": moment(attempt.ended_at),
        "outcome": attempt.outcome,
        "error": attempt.error,
        "exit_code": attempt.exit_code,
        "cpu_s": attempt.cpu_s,
        "peak_memory": attempt.peak_memory,
    }


def log_object(attempt: AttemptRecord) -> dict[str, Any]:
    """One attempt with what it left behind."""
    return attempt_object(attempt) | {
        "stdout": attempt.stdout,
        "stderr": attempt.stderr,
        "traceback": attempt.traceback,
    }


def worker_object(worker: WorkerInfo) -> dict[str, Any]:
    """One worker."""
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "executor": worker.executor,
        "concurrency": worker.concurrency,
        "queues": list(worker.queues),
        "offers": dict(worker.offers),
        "status": worker.status.value,
        "started_at": moment(worker.started_at),
        "seen_at": moment(worker.seen_at),
        "stopped_at": moment(worker.stopped_at),
        "error": worker.error,
        "crew": worker.crew,
        "paused_at": moment(worker.paused_at),
        "wanted": worker.wanted,
        "stop_requested_at": moment(worker.stop_requested_at),
    }


def limits_object(limits: Limits) -> dict[str, Any]:
    """The limits of a queue or a key; the period in seconds."""
    return {
        "concurrency": limits.concurrency,
        "rate": limits.rate and limits.rate.number,
        "period": limits.rate and limits.rate.period.total_seconds(),
    }


def report_object(report: Report) -> dict[str, Any]:
    """The whole report."""
    tasks = {status.value: count for status, count in report.tasks.items()}
    return {
        "schema": 1,
        "tasks": tasks | {"total": sum(tasks.values())},
        "attempts": {name: report.attempts.get(name, 0) for name in WORDS},
        "elapsed_s": report.elapsed_s,
        "throughput_per_s": report.throughput_per_s,
        "wait_s": _spread(report.wait),
        "run_s": _spread(report.run),
        "busy_s": report.busy_s,
        "wasted_s": {name: report.wasted.get(name, 0.0) for name in WASTED}
        | {"total": report.wasted_s},
        "efficiency": report.efficiency,
        "functions": [_group(one) for one in report.functions],
        "workers": _workers(report.workers),
        "by": report.by,
        "groups": [_group(one) for one in report.groups],
    }


def _group(group: GroupReport) -> dict[str, Any]:
    return {
        "name": group.name,
        "count": group.count,
        "completed": group.completed,
        "failed": group.failed,
        "lost": group.lost,
        "busy_s": group.busy_s,
        "wasted_s": group.wasted_s,
        "wait_s": _spread(group.wait),
        "run_s": _spread(group.run),
        "cpu_s": group.cpu_s,
        "peak_memory": group.peak_memory,
    }


def _workers(workers: Sequence[WorkerReport]) -> list[dict[str, Any]]:
    return [
        {
            "id": worker.info.id,
            "host": worker.info.host,
            "pid": worker.info.pid,
            "executor": worker.info.executor,
            "concurrency": worker.info.concurrency,
            "status": worker.info.status.value,
            "completed": worker.completed,
            "failed": worker.failed,
            "lost": worker.lost,
            "busy_s": worker.busy_s,
            "wasted_s": worker.wasted_s,
            "alive_s": worker.alive_s,
            "efficiency": worker.efficiency,
        }
        for worker in workers
    ]


def _spread(spread: Spread | None) -> dict[str, float | None]:
    if spread is None:
        return {"p50": None, "p95": None, "p99": None, "max": None}
    return {"p50": spread.p50, "p95": spread.p95, "p99": spread.p99, "max": spread.max}
