"""The part of a queue that knows functions, and what is called around them."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import (
    Any,
    ParamSpec,
    Protocol,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.hook import RESERVED
from jobrunner.core.new_task import NewTask
from jobrunner.core.options import TaskOptions, new_task
from jobrunner.core.schedule import ScheduleOptions, new_schedule
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.core.task import Task
from jobrunner.function import TaskFunction, fitted
from jobrunner.runtime.around import AttemptHook, StatusHook, registered
from jobrunner.runtime.registry import Function, Registry

P = ParamSpec("P")
R = TypeVar("R")
C_co = TypeVar("C_co", covariant=True)
A = TypeVar("A", bound=AttemptHook)
S = TypeVar("S", bound=StatusHook)


class Decorator(Protocol):
    """What `queue.task(...)` returns: takes the function."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> TaskFunction[P, R, Coroutine[Any, Any, R]]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R, R]: ...


class Declarer(Protocol):
    """What `queue.schedule(...)` returns: takes a function, registered or not."""

    @overload
    def __call__(self, known: TaskFunction[P, R, C_co], /) -> TaskFunction[P, R, C_co]: ...  # type: ignore[overload-overlap]
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
            InvalidTaskError: the name is one of our own.
        """

        def register(call: Callable[..., Any]) -> TaskFunction[Any, Any, Any]:
            if (name or call.__name__).startswith(RESERVED):
                raise InvalidTaskError(f"names that begin with {RESERVED} are jobrunner's own")
            made = Function(
                name or call.__name__,
                call,
                tuple(no_retry_on),
                {**options},
                self.registry.around,
            )
            self.registry.add(made)
            return TaskFunction(made, self, options)

        return register if function is None else register(function)

    def schedule(
        self,
        rule: str | None = None,
        /,
        *,
        every: timedelta | None = None,
        name: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **settings: Unpack[ScheduleOptions],
    ) -> Declarer:
        """Declare that a function is to run by a rule, above `@queue.task` or in its place.

        `rule` is five fields of cron, `@daily` and the like; or give the time between two ticks
        as `every`. It is stored, under the function's name unless `name` says otherwise, when a
        worker starts with this application. `settings` are those of `queue.schedules.add`.

        Raises:
            InvalidScheduleError: the rule or a setting is not right, or the name is taken.
            DuplicateFunctionError: another function has the name of this one.
        """

        def declare(function: Any) -> Any:
            known = cast("TaskFunction[..., Any, Any]", function)
            if not isinstance(function, TaskFunction):
                known = self.task(function)
            task = known.bind(*args, **(kwargs or {}))
            given = rule if every is None else every
            new = new_schedule(known.name if name is None else name, given, task, **settings)
            self.registry.add_schedule(new, known.registered)
            return known

        if (rule is None) == (every is None):
            raise InvalidScheduleError(
                "a schedule has a rule, or a time between two ticks: `every`"
            )
        return cast("Declarer", declare)

    def before_attempt(self, hook: A, /) -> A:
        """Call this before each attempt of a function of this queue, where it runs.

        What it raises is how the attempt ends.

        Raises:
            ConfigurationError: it is an `async def`.
        """
        return registered(self.registry.around.before, hook)

    def after_attempt(self, hook: A, /) -> A:
        """Call this after each attempt, with `outcome` and `error`. What it raises is only told."""
        return registered(self.registry.around.after, hook)

    def on_failure(self, hook: S, /) -> S:
        """Call this in the worker once a task has failed for good, and that is stored."""
        return registered(self.registry.around.failure, hook)

    def on_status(self, hook: S, /) -> S:
        """Call this in the worker when it has stored that a task has another status."""
        return registered(self.registry.around.status, hook)

    def new_task(self, function: str, **fields: Any) -> NewTask[Any]:
        """A task of a function by its name, with the options the function was registered with.

        `fields` are those of `NewTask`, and win. Where no function is registered at all, as
        on a machine that only enqueues, any name will do.

        Raises:
            UnknownFunctionError: functions are registered, but none of that name.
            InvalidTaskError: a field is not right.
        """
        options = cast("TaskOptions", fields)
        if self.registry.names:
            known = self.registry.get(function)
            # A key that is given here is no pattern: only that of the function is filled.
            own = {name: fields.pop(name) for name in ("concurrency_key",) if name in fields}
            options = cast("TaskOptions", {**known.options, **fields, **dict.fromkeys(own)})
            args, kwargs = fields.get("args", ()), fields.get("kwargs", {})
            options = cast("TaskOptions", {**fitted(options, known, args, kwargs), **own})
        return new_task(options, function=function)

    def enqueue(self, new: NewTask[R]) -> Task[R]:
        """Store one task."""
        raise NotImplementedError
