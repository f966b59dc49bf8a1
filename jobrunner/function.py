"""A registered function: called as it is, or enqueued to be run by a worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import (
    Any,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    Unpack,
    cast,
)

from jobrunner.core.fields import invalid
from jobrunner.core.new_task import NewTask
from jobrunner.core.options import TaskOptions, new_task
from jobrunner.core.pattern import fill
from jobrunner.core.task import Task
from jobrunner.core.unique import Unique
from jobrunner.runtime.around import AttemptHook, StatusHook
from jobrunner.runtime.registry import Function

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A", bound=AttemptHook)
S = TypeVar("S", bound=StatusHook)
C_co = TypeVar("C_co", covariant=True)


class Enqueuer(Protocol):
    """Where bound tasks go."""

    def enqueue(self, new: NewTask[R]) -> Task[R]:
        """Store one task."""
        ...


def fitted(
    options: TaskOptions, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TaskOptions:
    """The options of a function for one call, with the keys that are made of its arguments.

    Raises:
        InvalidTaskError: a key names what is no argument, or the arguments do not fit.
    """
    return _filled(_keyed(options, function, args, kwargs), function, args, kwargs)


def _filled(
    options: TaskOptions, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TaskOptions:
    """A concurrency key like `crawl:{host}` is made of the arguments."""
    key = options.get("concurrency_key")
    if not isinstance(key, str) or "{" not in key:
        return options
    values = {**function.defaults, **function.arguments(args, kwargs)}
    return {**options, "concurrency_key": fill("concurrency_key", key, values)}


def _keyed(
    options: TaskOptions, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TaskOptions:
    """Options with the unique key made of a call, if one is to be made."""
    unique = options.get("unique")
    if not isinstance(unique, Unique) or unique.key is not None:
        return options
    for name in unique.by or ():
        if not function.knows(name):
            raise invalid("unique.by", f"names {name!r}, which {function.name} does not take")
    return {**options, "unique": unique.of(function.name, function.arguments(args, kwargs))}


@dataclass(frozen=True)
class TaskFunction(Generic[P, R, C_co]):
    """A function of a queue. Calling it runs it here and now, as if it were not registered.

    `R` is what a task of it returns; `C_co` what a plain call returns, which for an
    `async def` is a coroutine.
    """

    registered: Function
    queue: Enqueuer
    options: TaskOptions

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C_co:
        """Run the function here and now."""
        return cast("C_co", self.registered.call(*args, **kwargs))

    @property
    def name(self) -> str:
        """The name tasks are stored under."""
        return self.registered.name

    def using(self, **options: Unpack[TaskOptions]) -> "TaskFunction[P, R, C_co]":
        """The same function with other options, for what is enqueued through it."""
        return replace(self, options={**self.options, **options})

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> NewTask[R]:
        """A task of this function that is not stored yet.

        Raises:
            InvalidTaskError: an option or argument is not right.
        """
        options = fitted(self.options, self.registered, args, kwargs)
        return new_task(options, function=self.name, args=args, kwargs=kwargs)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        """Store a task of this function.

        Raises:
            InvalidTaskError: an option or argument is not right; nothing was stored.
        """
        return self.queue.enqueue(self.bind(*args, **kwargs))
