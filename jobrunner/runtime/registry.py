"""The functions that tasks may run, by name."""

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jobrunner.core.errors import DuplicateFunctionError, UnknownFunctionError
from jobrunner.core.fields import invalid
from jobrunner.core.schedule import NewSchedule
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.runtime.around import Around


def is_coroutine_function(call: Callable[..., Any]) -> bool:
    """Whether it is an `async def`, or a registered function that is."""
    registered = getattr(call, "registered", None)
    return inspect.iscoroutinefunction(registered.call if registered is not None else call)


@dataclass(frozen=True)
class Function:
    """A registered function. `no_retry_on` are exceptions that end the task at once.

    `options` hold for its tasks where nothing else is said.
    """

    name: str
    call: Callable[..., Any]
    no_retry_on: tuple[type[BaseException], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    around: Around = field(default_factory=Around, compare=False, repr=False)
    """The hooks of the queue that it was registered with."""

    @cached_property
    def is_async(self) -> bool:
        """Whether it is an `async def`."""
        return is_coroutine_function(self.call)

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self.call)

    def arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call by their names, however they were passed.

        Those that are as the function has them anyway are left out: to say so makes no other call.

        Raises:
            InvalidTaskError: it cannot be called like that.
        """
        try:
            bound = self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise invalid("args", f"do not fit {self.name}: {error}") from None
        named: dict[str, Any] = {}
        for name, parameter in self._signature.parameters.items():
            if name in bound and parameter.kind is not parameter.VAR_KEYWORD:
                if not _is_same(bound[name], parameter.default):
                    named[name] = bound[name]
            elif name in bound:
                # One that goes into **kwargs may have the name of one that only has a position.
                named |= {f"**{key}" if key in named else key: v for key, v in bound[name].items()}
        return named

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What its arguments are where a call does not say."""
        parameters = self._signature.parameters
        return {
            name: parameter.default
            for name, parameter in parameters.items()
            if parameter.default is not parameter.empty
        }

    def knows(self, name: str) -> bool:
        """Whether an argument can have this name."""
        parameters = self._signature.parameters
        return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    @property
    def reference(self) -> "Reference":
        """Where another process finds it."""
        return Reference(self.name, self.call.__module__)


@dataclass(frozen=True, slots=True)
class Reference:
    """A function by module and name, to be found again in another process."""

    name: str
    module: str

    def load(self, location: str) -> Function:
        """Import the module and find the function that it registers under this name.

        Its queue is made to live at `location`, so that what the function enqueues goes where
        the function itself came from.

        Raises:
            UnknownFunctionError: none at the module's top level.
        """
        for value in vars(importlib.import_module(self.module)).values():
            registered = getattr(value, "registered", None)
            if isinstance(registered, Function) and registered.name == self.name:
                relocate = getattr(value.queue, "relocate", None)
                if relocate is not None:
                    relocate(location)
                return registered
        raise UnknownFunctionError(f"{self.module}:{self.name}", ())


class Registry:
    """Names to functions. Filled while modules are imported, then only read."""

    def __init__(self) -> None:
        """Start empty."""
        self._functions: dict[str, Function] = {}
        self.schedules: dict[str, NewSchedule] = {}
        """What is declared in code, by name; workers store it when they start."""
        self._scheduled: dict[str, Function] = {}
        self.around = Around()
        """The hooks for the functions that are registered here first."""

    def add(self, function: Function) -> None:
        """Register a function; the same one again replaces itself, as a reload does.

        Raises:
            DuplicateFunctionError: another function has that name.
        """
        known = self._functions.get(function.name)
        if known and known.call.__qualname__ != function.call.__qualname__:
            raise DuplicateFunctionError(function.name)
        if known and _home(known) != _home(function):
            raise DuplicateFunctionError(function.name)
        self._functions[function.name] = function

    def add_schedule(self, new: NewSchedule, function: Function) -> None:
        """Declare a schedule of a function; declared anew, as a reload does, it replaces itself.

        Raises:
            InvalidScheduleError: another one has that name.
        """
        known = self._scheduled.setdefault(new.name, function)
        is_again = known is not function and known.call.__qualname__ == function.call.__qualname__
        if new.name in self.schedules and not (is_again and _home(known) == _home(function)):
            raise InvalidScheduleError(
                f"two schedules are named {new.name!r}",
                hint="Give one of them a name of its own: @queue.schedule(…, name=…).",
            )
        self.schedules[new.name], self._scheduled[new.name] = new, function

    def get(self, name: str) -> Function:
        """Find a function.

        Raises:
            UnknownFunctionError: none has that name.
        """
        try:
            return self._functions[name]
        except KeyError:
            raise UnknownFunctionError(name, self.names) from None

    def require(self, names: Iterable[str]) -> None:
        """Make sure that functions are registered; where none at all is, anything goes.

        Raises:
            UnknownFunctionError: one is not.
        """
        if self._functions:
            for name in names:
                self.get(name)

    def load(self, references: Iterable[Reference], location: str) -> None:
        """Register functions of another process; see `Reference.load`."""
        for reference in references:
            self.add(reference.load(location))

    def arounds(self, name: str | None) -> list[Around]:
        """The hooks that hear of a function's tasks, or of those of commands and of any."""
        known = self._functions.get(name or "")
        functions = [known] if known else self._functions.values()
        found = {id(one): one for one in (self.around, *(each.around for each in functions))}
        return list(found.values())

    @property
    def hears_statuses(self) -> bool:
        """Whether any hook wants to know of statuses."""
        return any(around.failure or around.status for around in self.arounds(None))

    @property
    def names(self) -> list[str]:
        """The names, sorted."""
        return sorted(self._functions)

    @property
    def references(self) -> list[Reference]:
        """Where another process finds them."""
        return [function.reference for function in self._functions.values()]

    @property
    def modules(self) -> list[str]:
        """The modules that define them, the main one left out."""
        return sorted({reference.module for reference in self.references} - {"__main__"})


def _is_same(value: object, default: object) -> bool:
    """Whether it is what would have been taken anyway; `[True]` equals `[1]`, and is another."""
    return repr(value) == repr(default)


def _home(function: Function) -> str:
    # A process that is started anew imports the main module under another name.
    module = function.call.__module__
    return "__main__" if module == "__mp_main__" else module
