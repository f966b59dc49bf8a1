"""A persistent job runner: tasks, dependencies and progress in one SQLite file."""

import importlib
from typing import TYPE_CHECKING, Any

from jobrunner._version import __version__

if TYPE_CHECKING:
    from jobrunner.core.cache import Cache
    from jobrunner.core.compose import chain, group
    from jobrunner.core.control_errors import DuplicateTaskError, EventTimeoutError
    from jobrunner.core.errors import (
        CycleError,
        DatabaseError,
        InvalidTaskError,
        JobrunnerError,
        LeaseLostError,
        PayloadError,
        SchemaError,
        TaskFailedError,
        TaskNotFoundError,
        TaskStateError,
        UnknownFunctionError,
        UnknownParentError,
        WaitTimeoutError,
    )
    from jobrunner.core.new_task import NewTask
    from jobrunner.core.result import Result
    from jobrunner.core.signals import Cancel, Retry, Snooze
    from jobrunner.core.status import Status
    from jobrunner.core.task import Task
    from jobrunner.core.unique import Unique
    from jobrunner.runtime.context import context
    from jobrunner.runtime.scheduler import Scheduler
    from jobrunner.runtime.worker import Worker
    from jobrunner.task_queue import TaskQueue

__all__ = [
    "Cache",
    "Cancel",
    "CycleError",
    "DatabaseError",
    "DuplicateTaskError",
    "EventTimeoutError",
    "InvalidTaskError",
    "JobrunnerError",
    "LeaseLostError",
    "NewTask",
    "PayloadError",
    "Result",
    "Retry",
    "Scheduler",
    "SchemaError",
    "Snooze",
    "Status",
    "Task",
    "TaskFailedError",
    "TaskNotFoundError",
    "TaskQueue",
    "TaskStateError",
    "Unique",
    "UnknownFunctionError",
    "UnknownParentError",
    "WaitTimeoutError",
    "Worker",
    "__version__",
    "chain",
    "context",
    "group",
]

_HOMES = {
    "Cache": "core.cache",
    "Cancel": "core.signals",
    "DuplicateTaskError": "core.control_errors",
    "EventTimeoutError": "core.control_errors",
    "NewTask": "core.new_task",
    "Result": "core.result",
    "Retry": "core.signals",
    "Scheduler": "runtime.scheduler",
    "Snooze": "core.signals",
    "Status": "core.status",
    "Task": "core.task",
    "TaskQueue": "task_queue",
    "Unique": "core.unique",
    "Worker": "runtime.worker",
    "chain": "core.compose",
    "context": "runtime.context",
    "group": "core.compose",
}
"""Where each public name lives; the errors live in `core.errors`."""


def __getattr__(name: str) -> Any:
    """Import a public name on first use: `jobrunner --help` must not wait for SQLAlchemy."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    home = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'core.errors')}")
    return getattr(home, name)
