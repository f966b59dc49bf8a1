"""A registered function: called as it is, or enqueued to be run by a worker."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec, Protocol, TypedDict, TypeVar, Unpack, cast, overload

from jobrunner.core.cache import Cache
from jobrunner.core.new_task import NewTask, Parent
from jobrunner.core.task import Task
from jobrunner.core.template import fill
from jobrunner.core.unique import Unique
from jobrunner.runtime.registry import Function, Registry

P = ParamSpec("P")
R = TypeVar("R")
C_co = TypeVar("C_co", covariant=True)

Span = timedelta | float | int
"""A length of time: a timedelta, or seconds."""


class TaskOptions(TypedDict, total=False):
    """How a task is to be run. Spans are timedeltas or seconds."""

    queue: str
    priority: int
    description: str
    delay: Span
    run_at: datetime
    after: Sequence[Parent]
    after_any: Sequence[Parent]
    timeout: Span
    max_attempts: int
    cwd: str
    concurrency_key: str
    needs: Mapping[str, float]
    unique: Unique | str
    expires_at: datetime
    expires_in: Span
    batch_id: int
    cache: Cache


class Enqueuer(Protocol):
    """Where bound tasks go."""

    def enqueue(self, new: NewTask[R]) -> Task[R]:
        """Store one task."""
        ...


def new_task(options: TaskOptions, **work: Any) -> NewTask[Any]:
    """Make a task of options as users give them.

    Raises:
        InvalidTaskError: an option is not right.
    """
    values: dict[str, Any] = {**options}
    for name in ("delay", "timeout", "expires_in"):
        span = values.get(name)
        if isinstance(span, int | float):
            values[name] = timedelta(seconds=span)
    return NewTask(**values, **work)


def filled(
    function: Function, options: TaskOptions, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TaskOptions:
    """The options of a function for one task: a key like `crawl:{host}` is made of its arguments.

    Raises:
        InvalidTaskError: the key names what is no argument, or the arguments do not fit.
    """
    key = options.get("concurrency_key")
    if not isinstance(key, str) or "{" not in key:
        return options
    values = function.arguments(args, kwargs)
    return {**options, "concurrency_key": fill("concurrency_key", key, values)}


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
        options = filled(self.registered, self.options, args, kwargs)
        return new_task(options, function=self.name, args=args, kwargs=kwargs)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Task[R]:
        """Store a task of this function.

        Raises:
            InvalidTaskError: an option or argument is not right; nothing was stored.
        """
        return self.queue.enqueue(self.bind(*args, **kwargs))


class Decorator(Protocol):
    """What `queue.task(...)` returns: takes the function."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> TaskFunction[P, R, Coroutine[Any, Any, R]]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R, R]: ...


class Registrar:
    """The part of a queue that knows functions."""

    def __init__(self) -> None:
        """Start without functions."""
        self.registry = Registry()

    @overload
    def task(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> TaskFunction[P, R, Coroutine[Any, Any, R]]: ...
    @overload
    def task(self, function: Callable[P, R], /) -> TaskFunction[P, R, R]: ...
    @overload
    def task(
        self,
        /,
        *,
        name: str | None = None,
        no_retry_on: Sequence[type[BaseException]] = (),
        **options: Unpack[TaskOptions],
    ) -> Decorator: ...
    def task(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        no_retry_on: Sequence[type[BaseException]] = (),
        **options: Unpack[TaskOptions],
    ) -> Any:
        """Register a function as a decorator, `@queue.task` or `@queue.task(timeout=60)`.

        `name` is what it is stored under, the function's own unless given. `options` hold
        for its tasks unless `using` says otherwise. `no_retry_on` names exceptions that fail
        the task at once.

        Raises:
            DuplicateFunctionError: another function has that name.
        """

        def register(call: Callable[..., Any]) -> TaskFunction[Any, Any, Any]:
            registered = Function(name or call.__name__, call, tuple(no_retry_on), {**options})
            self.registry.add(registered)
            return TaskFunction(registered, self, options)

        return register if function is None else register(function)

    def new_task(self, function: str, **fields: Any) -> NewTask[Any]:
        """A task of a function by its name, with the options the function was registered with.

        `fields` are those of `NewTask`, and win. Where no function is registered at all, as
        on a machine that only enqueues, any name will do.

        Raises:
            UnknownFunctionError: functions are registered, but none of that name.
            InvalidTaskError: a field is not right.
        """
        known = TaskOptions()
        if self.registry.names:
            registered = self.registry.get(function)
            known = cast("TaskOptions", registered.options)
            if "concurrency_key" not in fields:
                known = filled(registered, known, fields.get("args", ()), fields.get("kwargs", {}))
        return new_task(cast("TaskOptions", {**known, **fields}), function=function)

    def enqueue(self, new: NewTask[R]) -> Task[R]:
        """Store one task."""
        raise NotImplementedError
