"""Estimates and forecasts as JSON objects, in seconds, and read back."""

from collections.abc import Mapping
from typing import Any

from jobrunner.core.estimate import Estimate
from jobrunner.core.forecast import Forecast
from jobrunner.core.task import TaskId


def estimate_object(found: Estimate) -> dict[str, Any]:
    """How long something takes; the three numbers are null where too little is known."""
    return {
        "low_s": found.low_s,
        "likely_s": found.likely_s,
        "high_s": found.high_s,
        "runs": found.runs,
        "basis": found.basis,
    }


def forecast_object(found: Forecast) -> dict[str, Any]:
    """When open tasks will have ended."""
    return {
        "workers": found.workers,
        "tasks": found.tasks,
        "held": found.held,
        "others": found.others,
        "left": estimate_object(found.left),
        "busy_s": found.busy_s,
        "busy_share": found.busy_share,
        "path_s": found.path_s,
        "path": list(found.path),
        "unknown": dict(found.unknown),
        "is_cut": found.is_cut,
    }


def estimate_of(told: Mapping[str, Any]) -> Estimate:
    """What `estimate_object` wrote."""
    return Estimate(
        low_s=told["low_s"],
        likely_s=told["likely_s"],
        high_s=told["high_s"],
        runs=told["runs"],
        basis=told["basis"],
    )


def forecast_of(told: Mapping[str, Any]) -> Forecast:
    """What `forecast_object` wrote."""
    return Forecast(
        workers=told["workers"],
        tasks=told["tasks"],
        held=told["held"],
        others=told["others"],
        left=estimate_of(told["left"]),
        busy_s=told["busy_s"],
        path_s=told["path_s"],
        path=tuple(TaskId(task_id) for task_id in told["path"]),
        unknown=dict(told["unknown"]),
        is_cut=told["is_cut"],
    )
