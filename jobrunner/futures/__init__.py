"""`queue.executor()`: an Executor of the standard library whose calls are stored tasks."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobrunner.futures.executor import TaskExecutor
    from jobrunner.futures.future import DetachedError, TaskFuture

__all__ = ["DetachedError", "TaskExecutor", "TaskFuture"]

_HOMES = {"DetachedError": "future", "TaskExecutor": "executor", "TaskFuture": "future"}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: every queue imports this package."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
