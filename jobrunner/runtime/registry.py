"""The functions that tasks may run, by name."""

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jobrunner.core.errors import DuplicateFunctionError, UnknownFunctionError
from jobrunner.runtime.around import Around


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
        return inspect.iscoroutinefunction(self.call)

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


def _home(function: Function) -> str:
    # A process that is started anew imports the main module under another name.
    module = function.call.__module__
    return "__main__" if module == "__mp_main__" else module
