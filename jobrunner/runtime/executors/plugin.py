"""What a plug-in executor must be able to do, and how it is found by its name."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, cast

from jobrunner.core.errors import ConfigurationError, JobrunnerError
from jobrunner.core.outcome import Outcome
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors.order import Order
from jobrunner.runtime.perform import one_line

GROUP: Final = "jobrunner.executors"
"""The entry points that make a package's executors known."""

COMMAND: Final = "command"
"""What runs commands is called so, and no plug-in may be."""


class Plugin(Protocol):
    """Runs functions for a worker, on an engine of its own.

    jobrunner keeps the queue, retries, history, progress and timeouts. The engine must start
    each order at most once, whatever happens: only jobrunner repeats an attempt.

    It is made with its options as keywords, at times only to see whether it can be: what it
    needs it takes hold of in `start`. All calls come from one thread of the worker, so
    none may take long; what one raises is told as the worker's trouble, and nothing is claimed
    until `capacity` returns again.
    """

    def start(self, wake: Callable[[], None]) -> None:
        """Begin. `wake` may be called from any thread when `poll` or `capacity` has news.

        Without it they are asked twenty times a second.
        """
        ...

    def submit(self, order: Order) -> None:
        """Have it run now; there is room for it. One that this raises for must not be run."""
        ...

    def poll(self) -> Iterable[tuple[Order, Outcome]]:
        """What has ended since the last call, each order once.

        `run` makes the outcome where the function runs. A process that died with it is
        `Crashed`; an engine that was lost with it is `Lost`. Both count as a crash. `Released`
        gives back what was not started.
        """
        ...

    def cancel(self, order: Order, reason: StopReason, *, force: bool) -> None:
        """Tell it that it is to end or, with `force`, make it end, if that can be done.

        What does not end is let go by the worker; it counts for `capacity` until it does.
        """
        ...

    def capacity(self) -> int:
        """How many more orders would start at once.

        Raises:
            Exception: the engine cannot be used; its text says why, in one sentence.
        """
        ...

    def close(self) -> None:
        """End. What still runs was let go."""
        ...


def find(
    name: str, options: Mapping[str, str], *, beside: Iterable[str] = ()
) -> Callable[[], Plugin]:
    """Find an installed plug-in, to be made with these options; `beside` are names of others.

    What it gives may raise a ConfigurationError too, where the plug-in cannot be made.

    Raises:
        ConfigurationError: there is none or more than one, it cannot be imported, or takes
            other options.
    """
    entry = _entry(name, tuple(beside))
    factory = _load(entry)
    try:
        signature = inspect.signature(factory)
    except ValueError:  # it is written in C and does not say what it takes
        return partial(_make, name, factory, options)
    try:
        signature.bind(**options)
    except TypeError as error:
        raise ConfigurationError(
            f"the executor {name!r} cannot be made of its options: {error}",
            hint=_taken(signature.parameters, options),
        ) from error
    return partial(_make, name, factory, options)


def _entry(name: str, beside: tuple[str, ...]) -> EntryPoint:
    """The one entry point of this name; one named like what is built in is never used."""
    built_in = {*beside, COMMAND}
    known = [entry for entry in entry_points(group=GROUP) if entry.name not in built_in]
    found = [entry for entry in known if entry.name == name]
    if not found:
        names = ", ".join([*beside, *sorted({entry.name for entry in known})])
        raise ConfigurationError(f"there is no executor {name!r}, only {names}")
    if len(found) > 1:
        brought = ", ".join(sorted(entry.dist.name for entry in found if entry.dist))
        raise ConfigurationError(
            f"there is more than one executor {name!r}: from {brought}",
            hint="Uninstall all of these but one.",
        )
    return found[0]


def _load(entry: EntryPoint) -> Callable[..., Plugin]:
    try:
        factory = entry.load()
    except ImportError as error:
        raise ConfigurationError(
            f"the executor {entry.name!r} cannot be imported: {error}",
            hint="Install what it needs; for dask, the extra durable-jobrunner[dask].",
        ) from error
    except (Exception, SystemExit) as error:  # the plug-in's code may do anything
        raise _unloaded(entry, one_line(error)) from error
    if not callable(factory):
        raise _unloaded(entry, f"its entry point is no class, but of type {type(factory).__name__}")
    return cast("Callable[..., Plugin]", factory)


def _unloaded(entry: EntryPoint, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"the executor {entry.name!r} cannot be loaded: {problem}",
        hint=f"Mend its entry point, {entry.value}, or the module that it names.",
    )


def _taken(parameters: Mapping[str, object], options: Mapping[str, str]) -> str:
    """The next step of who gave other options than a plug-in takes."""
    if "address" in parameters and "address" not in options:
        return "Give the engine's address with --address."
    return f"It takes {' and '.join(parameters)}." if parameters else "It takes no options."


def _make(name: str, factory: Callable[..., Plugin], options: Mapping[str, str]) -> Plugin:
    try:
        return factory(**options)
    except JobrunnerError:  # it says itself what is wrong
        raise
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"the executor {name!r} cannot be made: {one_line(error)}",
            hint="Give it options that it can use, or mend its __init__.",
        ) from error
