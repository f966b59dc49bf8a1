"""What stands in a job of RQ: a hash of Redis, the call in it as JSON or pickled."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jobrunner.core import unpickled
from jobrunner.core.foreign import Foreign
from jobrunner.core.unpickled import UnreadableError

FIELDS: Final = (
    *("data", "origin", "timeout", "retries_left", "dependency_ids", "dependency_id"),
    *("allow_dependency_failures", "repeats_left"),
    *("success_callback_name", "failure_callback_name", "stopped_callback_name"),
)
"""What is asked of each job; its description may hold its arguments, and is made anew."""

_LEFT_OUT: Final = (
    *("success_callback_name", "failure_callback_name", "stopped_callback_name"),
    "repeats_left",
)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def key_of(job_id: str) -> str:
    """The key of a job."""
    return f"rq:{job_id}"


def read(
    job_id: str, told: Mapping[str, bytes], *, at: float | None, allow_pickle: bool
) -> Foreign:
    """Read a job. `at` is when it is to run, in seconds since the epoch, if it is scheduled."""
    text = {name: told[name].decode(errors="replace") for name in told if name != "data"}
    pickled = False
    try:
        data = unpickled.expanded(told["data"])
        pickled = unpickled.is_pickle(data)
        function, instance, args, kwargs = _call(data, allow_pickle=allow_pickle)
        values = list(args), dict(kwargs)
    except UnreadableError as error:
        return Foreign(key=key_of(job_id), is_pickled=pickled, problem=str(error))
    except (KeyError, TypeError, ValueError):
        return Foreign(key=key_of(job_id), is_pickled=pickled, problem="is no job of RQ")
    ids = json.loads(text.get("dependency_ids") or "[]") or [text.get("dependency_id")]
    return Foreign(
        key=key_of(job_id),
        function=str(function),
        args=values[0],
        kwargs=values[1],
        queue=text.get("origin") or None,
        run_at=None if at is None else datetime.fromtimestamp(at, UTC),
        timeout=_timeout(text.get("timeout", "")),
        max_attempts=int(text.get("retries_left") or 0) + 1,
        after=[key_of(one) for one in ids if one],
        in_any_case=text.get("allow_dependency_failures", "0") not in {"", "0"},
        is_pickled=pickled,
        problem=_problem(text, instance),
    )


def _call(data: bytes, *, allow_pickle: bool) -> Any:
    if not unpickled.is_pickle(data):
        return json.loads(data)
    if not allow_pickle:
        raise UnreadableError("is a pickle")
    return unpickled.read(data, {})


def _problem(text: Mapping[str, str], instance: object) -> str | None:
    if instance is not None:
        return "calls a method of an object"
    for name in _LEFT_OUT:
        if text.get(name):
            return f"has a {name}, which is not imported"
    return None


def _timeout(text: str) -> timedelta | None:
    """RQ says -1 for none, and lets people write `1h`."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = int(number) * _UNITS[unit]
    except ValueError:
        return None
    return timedelta(seconds=seconds) if seconds > 0 else None
