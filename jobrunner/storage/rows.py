"""A new task as a row of the table, by the names of the columns; moments in microseconds."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobrunner.core import extras, lane
from jobrunner.core.new_task import NewTask
from jobrunner.core.results import ARGV, FILE, RESULT, WANTS, Encoder
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.storage import unique
from jobrunner.storage.telemetry import TRACE
from jobrunner.storage.types import MICROSECOND, micros

Row = dict[str, Any]
"""Beside its columns: `wants`, the tasks whose results are arguments; `extras`, what lies apart;
`after`, its parents; `is_duplicate`, whether another was there in its place."""


_SCHEDULED: Final = Status.SCHEDULED.value

# What most tasks have in common. A literal of more than fifteen names grows entry by entry, which
# took twice as long as all else here together.
_PLAIN: Final[Row] = {
    "id": None,
    "status": Status.PENDING.value,
    "queue": "",
    "priority": 0,
    "run_at": 0,
    "max_attempts": 0,
    "waiting_on": 0,
    "timeout": None,
    "created_at": 0,
    "finished_at": None,
    "function": None,
    "command": None,
    "cwd": None,
    "args": None,
    "kwargs": None,
    "description": "",
    "error": None,
    "lane": None,
    "unique_key": None,
    "unique_in": None,
    "unique_until": None,
    "expires_at": None,
    "batch_id": None,
    "wants": (),
    "extras": None,
    "after": (),
    "is_duplicate": False,
}


def row_of(
    task: NewTask[Any],
    task_id: TaskId,
    created_at: int,
    encoder: Encoder,
    *,
    since: int | None = None,
    trace: Mapping[str, str] | None = None,
) -> Row:
    """The row of a task without regard to its parents.

    `since` is when one that it replaces was stored, `trace` what it is enqueued in.

    Raises:
        PayloadError: an argument is not JSON or too large.
        UnknownParentError: it takes the result of a task that is neither stored nor in the call.
    """
    run_at = created_at + task.delay // MICROSECOND
    if task.run_at is not None:
        run_at = max(run_at, micros(task.run_at))
    own: Row = {}
    if task.unique is not None:
        own = unique.columns(task, created_at)
        run_at = unique.put_off(task, run_at, created_at if since is None else since)
    args = encoder.arguments(list(task.args), what="args") if task.args else None
    kwargs = encoder.arguments(dict(task.kwargs), what="kwargs") if task.kwargs else None
    command = encoder.argv(task.command) if task.command else None
    wants = encoder.taken()
    row = _PLAIN | {
        "id": task_id,
        "queue": task.queue,
        "priority": task.priority,
        "run_at": run_at,
        "max_attempts": task.max_attempts,
        "created_at": created_at,
        "function": task.function,
        "command": command,
        "cwd": task.cwd,
        "args": args,
        "kwargs": kwargs,
        "description": task.description,
        "lane": lane.encode(task.concurrency_key, task.needs),
        "wants": wants,
        "extras": _extras(task, encoder, wants, trace),
    }
    if run_at > created_at:
        row["status"] = _SCHEDULED
    if task.timeout:
        row["timeout"] = task.timeout // MICROSECOND
    row["expires_at"] = _expires_at(task, created_at)
    row |= own
    return row


def _extras(
    task: NewTask[Any],
    encoder: Encoder,
    wants: Sequence[TaskId],
    trace: Mapping[str, str] | None,
) -> str | None:
    given: dict[str, Any] = {}
    if wants:
        given[WANTS] = True
        if task.command is not None:
            given[ARGV] = encoder.places
    if task.results:
        given[FILE] = True
    if task.result != "exit_code":
        given[RESULT] = task.result
    if task.cache is not None:
        given["cache"] = task.cache.as_json()
    if trace is not None:
        given[TRACE] = trace
    return extras.encode(given)


def _expires_at(task: NewTask[Any], created_at: int) -> int | None:
    at = None if task.expires_at is None else micros(task.expires_at)
    if task.expires_in is None:
        return at
    since = created_at + task.expires_in // MICROSECOND
    return since if at is None else min(at, since)
