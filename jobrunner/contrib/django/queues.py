"""The queues behind the backends of a process: one for each database."""

import threading
from functools import partial
from typing import Any, Final

from jobrunner.contrib.django import known
from jobrunner.contrib.django.calling import as_function
from jobrunner.contrib.django.ended import tell_end
from jobrunner.contrib.django.framework import tasks
from jobrunner.core.events import Emit
from jobrunner.observe.logs import log
from jobrunner.runtime.registry import Function, Registry
from jobrunner.task_queue import TaskQueue

_made: Final[dict[str, "DjangoQueue"]] = {}
_making: Final = threading.Lock()


class DjangoRegistry(Registry):
    """Finds the functions of tasks where Django has them."""

    def __init__(self, queue: "DjangoQueue") -> None:
        """`queue` is whose functions they are."""
        super().__init__()
        self._queue = queue

    def get(self, name: str) -> Function:
        """Find a function.

        Raises:
            UnknownFunctionError: no task of the project has it.
        """
        task = known.find(name)
        if task is not None and name not in self._functions:
            self.add(as_function(task, self._queue))
        return super().get(name)

    @property
    def names(self) -> list[str]:
        """The paths of all tasks that are known by now, sorted."""
        return sorted({*super().names, *known.paths()})

    @property
    def modules(self) -> list[str]:
        """None: each process sets Django up by itself, before it imports what needs that."""
        return []


class DjangoQueue(TaskQueue):
    """The tasks of a Django project."""

    def __init__(self, location: str, alias: str, *, emit: Emit = log) -> None:
        """`alias` names the backend that it belongs to.

        Raises:
            DatabaseError: the location has no meaning.
        """
        super().__init__(location, emit=emit)
        self.alias = alias
        self.registry = DjangoRegistry(self)
        self.on_status(partial(tell_end, self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process: opened anew there, with Django set up."""
        return reopen, (self.alias, self.store.location, self.emit)


def queue_of(location: str, alias: str, *, emit: Emit = log) -> DjangoQueue:
    """The queue of this process for a database; Django makes a backend anew in each thread.

    Raises:
        DatabaseError: the location has no meaning.
    """
    with _making:
        if location not in _made:
            _made[location] = DjangoQueue(location, alias, emit=emit)
        return _made[location]


def reopen(alias: str, location: str, emit: Emit) -> DjangoQueue:
    """The same queue in another process."""
    if location not in _made:
        known.load(())  # before anything is asked of the settings
        known.load(tasks.task_backends[alias].given.modules)
    return queue_of(location, alias, emit=emit)


def close_all() -> None:
    """Close the connections of all queues, and forget these."""
    with _making:
        for queue in _made.values():
            queue.close()
        _made.clear()
