"""What a plug-in executor must be able to do, and how it is found by its name."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import entry_points
from typing import Final, Protocol

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.outcome import Outcome
from jobrunner.core.signals import StopReason
from jobrunner.runtime.executors.order import Order

GROUP: Final = "jobrunner.executors"
"""The entry points that make a package's executors known."""


class Plugin(Protocol):
    """Runs functions for a worker, on an engine of its own.

    jobrunner keeps the queue, retries, history, progress and timeouts. The engine must start
    each order at most once, whatever happens: only jobrunner repeats an attempt.

    It is made with its options as keywords. All calls come from one thread of the worker, so
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

    Raises:
        ConfigurationError: there is none, it cannot be imported, or takes other options.
    """
    known = entry_points(group=GROUP)
    if name not in known.names:
        names = ", ".join([*beside, *sorted(known.names)])
        raise ConfigurationError(f"there is no executor {name!r}, only {names}")
    try:
        factory: Callable[..., Plugin] = known[name].load()
        inspect.signature(factory).bind(**options)
    except ImportError as error:
        raise ConfigurationError(
            f"the executor {name!r} cannot be imported: {error}",
            hint="Install what it needs; for dask, the extra durable-jobrunner[dask].",
        ) from error
    except TypeError as error:
        raise ConfigurationError(
            f"the executor {name!r} cannot be made of its options: {error}",
            hint="Give the engine's address with --address.",
        ) from error
    return partial(factory, **options)
