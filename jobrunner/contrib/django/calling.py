"""Run the function of a Django task: its context told, its connections in order."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobrunner.contrib.django import results
from jobrunner.contrib.django.framework import (
    base,
    db,
    normalize_json,
    signals,
    sync_to_async,
    tasks,
)
from jobrunner.runtime.context import context
from jobrunner.runtime.registry import Function, Reference

if TYPE_CHECKING:
    from jobrunner.contrib.django.queues import DjangoQueue


@dataclass(frozen=True, slots=True)
class DjangoReference(Reference):
    """A task by its path, to be found again in another process."""

    alias: str = ""

    def load(self, location: str) -> Function:
        """Set Django up, and find the function; what it enqueues goes where it came from itself.

        Raises:
            UnknownFunctionError: no task of the project has it.
        """
        from jobrunner.contrib.django.queues import reopen  # noqa: PLC0415 — it needs this module
        from jobrunner.observe.logs import log  # noqa: PLC0415 — as above

        return reopen(self.alias, location, log).registry.get(self.name)


@dataclass(frozen=True)
class DjangoFunction(Function):
    """The function of a task."""

    alias: str = field(default="", kw_only=True)

    @property
    def reference(self) -> Reference:
        """Where another process finds it."""
        return DjangoReference(self.name, self.call.__module__, self.alias)


def as_function(task: Any, queue: "DjangoQueue") -> Function:
    """What a worker of this queue runs of a task."""
    make = _coroutine if inspect.iscoroutinefunction(task.func) else _plain
    return DjangoFunction(
        task.module_path,
        _signed(task, make(task, queue)),
        around=queue.registry.around,
        alias=queue.alias,
    )


def _plain(task: Any, queue: "DjangoQueue") -> Callable[..., Any]:
    @functools.wraps(task.func)
    def run(*args: Any, **kwargs: Any) -> Any:
        with _connections():
            result = _begin(task, queue)
            return normalize_json(task.func(*_given(task, result, args), **kwargs))

    return run


def _coroutine(task: Any, queue: "DjangoQueue") -> Callable[..., Any]:
    @functools.wraps(task.func)
    async def run(*args: Any, **kwargs: Any) -> Any:
        await sync_to_async(db.close_old_connections)()
        try:
            result = await sync_to_async(_begin)(task, queue)
            return normalize_json(await task.func(*_given(task, result, args), **kwargs))
        finally:
            await sync_to_async(db.close_old_connections)()

    return run


def _signed(task: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """Without the context among its parameters: nobody who enqueues it passes that."""
    signature = inspect.signature(task.func)
    parameters = list(signature.parameters.values())[1 if task.takes_context else 0 :]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


@contextlib.contextmanager
def _connections() -> Generator[None]:
    """Close what is too old or broken, before and after, as Django does around a request."""
    db.close_old_connections()
    try:
        yield
    finally:
        db.close_old_connections()


def _begin(task: Any, queue: "DjangoQueue") -> Any:
    """Say that it has started; the result that its context shows."""
    result = results.told(queue, task, queue.get(context.task_id))
    backend: type[Any] = tasks.task_backends[queue.alias].__class__
    signals.task_started.send(sender=backend, task_result=result)
    return result


def _given(task: Any, result: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (base.TaskContext(task_result=result), *args) if task.takes_context else args
