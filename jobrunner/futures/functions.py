"""Which functions an executor runs: by what names they are stored, and found again."""

import functools
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from jobrunner.core.errors import UnknownFunctionError
from jobrunner.core.fields import invalid
from jobrunner.core.signals import Cancel, Retry, Snooze, Stopped, Waits
from jobrunner.futures.open_futures import OpenFutures
from jobrunner.runtime.context import context
from jobrunner.runtime.registry import Function, Reference, Registry, is_coroutine_function

LATER: Final = 5.0
"""Seconds after which a task whose function is not known here is looked at again."""

MAIN: Final = "__main__"

_SIGNALS: Final = (Cancel, Retry, Snooze, Stopped, Waits)
"""What a function steers its attempt with: none of them is what it fails of."""


@dataclass(frozen=True, slots=True)
class Place(Reference):
    """Where another process finds a function that no queue has registered."""

    qualname: str

    def load(self, location: str) -> Function:  # noqa: ARG002 — it has no queue that lives there
        """Import its module.

        Raises:
            ImportError: there is no such module.
            AttributeError: it has no such function.
        """
        return Function(self.name, _look_up(self.module, self.qualname))


@dataclass(frozen=True)
class PlainFunction(Function):
    """A function at the top level of a module, called `module:function`."""

    @property
    def reference(self) -> Place:
        """Where another process finds it."""
        return Place(self.name, self.call.__module__, self.call.__qualname__)


def plain(call: Callable[..., Any]) -> PlainFunction:
    """A function by its module and name.

    Raises:
        InvalidTaskError: it cannot be found again by them.
    """
    module, qualname = getattr(call, "__module__", None), getattr(call, "__qualname__", None)
    try:
        is_there = _look_up(str(module), str(qualname)) is call
    except (ImportError, AttributeError, ValueError):
        is_there = False
    if not is_there:
        raise invalid(
            "function", f"{call!r} is not at the top level of a module: nobody could find it again"
        )
    return PlainFunction(f"{_stored_module(str(module))}:{qualname}", call)


def _look_up(module: str, qualname: str) -> Callable[..., Any]:
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    registered = getattr(found, "registered", None)
    call: Callable[..., Any] = registered.call if isinstance(registered, Function) else found
    return call


def _stored_module(module: str) -> str:
    """A module's name in rows; that of a program is as if it were imported."""
    if module != MAIN:
        return module
    main = sys.modules[MAIN]
    spec, path = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None:
        return str(spec.name)
    return MAIN if path is None else Path(path).stem


class Functions(Registry):
    """The functions of an executor: its queue's, those it was given, those of allowed modules.

    **Text in a row has nothing imported** but modules that whoever made the executor has named,
    and of these nothing is called but functions that they define themselves.
    """

    def __init__(
        self,
        application: Registry,
        futures: OpenFutures,
        allow: Iterable[str],
        trouble: Callable[[str], None],
    ) -> None:
        """`application` is the queue's; `trouble` is told of what is not known, once for each.

        `allow` are names of modules and packages.
        """
        super().__init__()
        self.around = application.around
        self._application = application
        self._futures = futures
        self._allow = tuple(allow)
        self._trouble = trouble
        self._missed: set[str] = set()

    def take(self, call: Callable[..., Any]) -> tuple[Function, Mapping[str, Any]]:
        """Know a function from now on; with the options that its tasks have.

        Raises:
            InvalidTaskError: it is neither registered nor at the top level of a module.
        """
        registered = getattr(call, "registered", None)
        if isinstance(registered, Function):
            if self._is_applications(registered):
                options: Mapping[str, Any] = getattr(call, "options", registered.options)
                return self._known(registered), options
            call = registered.call
        return self._known(plain(call)), {}

    def get(self, name: str) -> Function:
        """The function of a task. One that is not known here is left for others, or for later."""
        try:
            return self.find(name)
        except UnknownFunctionError as error:
            if name not in self._missed:
                self._missed.add(name)
                self._trouble(f"{error}; its tasks wait for a worker that knows it")
            return PlainFunction(name, not_here)

    def find(self, name: str) -> Function:
        """The function of a task.

        Raises:
            UnknownFunctionError: it is not known here, or its module cannot be imported.
        """
        known = self._functions.get(name)
        return known or self._known(self._found(name))

    @property
    def modules(self) -> list[str]:
        """The modules that define them, and those of the queue's."""
        return sorted({*super().modules, *self._application.modules})

    def _found(self, name: str) -> Function:
        module, _, qualname = name.partition(":")
        if not qualname or not any(f"{module}.".startswith(f"{one}.") for one in self._allow):
            return self._application.get(name)
        here = MAIN if module == _stored_module(MAIN) else module
        try:
            found = plain(_look_up(here, qualname))
        except Exception as error:  # an import runs whatever the module says
            raise UnknownFunctionError(name, self.names) from error
        if found.name != name:  # it was imported there from elsewhere, which is not allowed
            raise UnknownFunctionError(name, self.names)
        return found

    def _is_applications(self, function: Function) -> bool:
        name = function.name
        return name in self._application.names and self._application.get(name) is function

    def _known(self, function: Function) -> Function:
        known = self._functions.get(function.name)
        if known is None or getattr(known.call, "__wrapped__", None) is not function.call:
            watched = replace(function, call=_watched(function.call, self._futures))
            known = self._functions[function.name] = watched
        return known


def not_here(*_: Any, **__: Any) -> None:
    """Stand in for a function that is not known: its task is looked at again later."""
    raise Snooze(LATER)


def _watched(call: Callable[..., Any], futures: OpenFutures) -> Callable[..., Any]:
    """The same function, whose future is told as it begins and of what it raises."""

    @functools.wraps(call, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        futures.begun(context.task_id)
        try:
            return call(*args, **kwargs)
        except _SIGNALS:
            raise
        except BaseException as error:
            futures.raised(context.task_id, error)
            raise

    @functools.wraps(call, updated=())
    async def run_async(*args: Any, **kwargs: Any) -> Any:
        futures.begun(context.task_id)
        try:
            return await call(*args, **kwargs)
        except _SIGNALS:
            raise
        except BaseException as error:
            futures.raised(context.task_id, error)
            raise

    return run_async if is_coroutine_function(call) else run
