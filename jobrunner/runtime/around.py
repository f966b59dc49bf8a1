"""Hooks of an application: called before and after an attempt, and when a status has changed."""

import contextlib
import inspect
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.status import Status


@dataclass(frozen=True, slots=True)
class AttemptInfo:
    """An attempt of a function. `outcome` and `error` are there once it has ended."""

    task_id: int
    function: str
    attempt: int
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    outcome: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A task has another status, and that is stored. `attempt` is 0 where none led to it."""

    task_id: int
    name: str
    status: Status
    attempt: int = 0
    error: str | None = None


AttemptHook = Callable[[AttemptInfo], object]
StatusHook = Callable[[StatusChange], object]
H = TypeVar("H", bound=Callable[..., object])


@dataclass(slots=True)
class Around:
    """The hooks of one queue: filled while modules are imported, then only read."""

    before: list[AttemptHook] = field(default_factory=list[AttemptHook])
    after: list[AttemptHook] = field(default_factory=list[AttemptHook])
    failure: list[StatusHook] = field(default_factory=list[StatusHook])
    status: list[StatusHook] = field(default_factory=list[StatusHook])

    @property
    def hears_attempts(self) -> bool:
        """Whether an attempt has to call anything."""
        return bool(self.before or self.after)


def registered(hooks: list[Any], hook: H) -> H:
    """Add a hook, and give it back, as a decorator does.

    Raises:
        ConfigurationError: it is an `async def`: nobody would await it.
    """
    if inspect.iscoroutinefunction(hook):
        raise ConfigurationError(
            f"the hook {hook.__name__} is an async def", hint="Write it as a plain function."
        )
    hooks.append(hook)
    return hook


def begin(around: Around, info: AttemptInfo) -> None:
    """Call what is to be called before; what it raises is how the attempt ends."""
    for hook in around.before:
        hook(info)


def end(
    around: Around, info: AttemptInfo, outcome: str, error: str | None, *, told: list[str]
) -> None:
    """Call what is to be called after; what goes wrong in it is noted in `told`, and is no end."""
    ended = replace(info, outcome=outcome, error=error)
    for hook in around.after:
        with _noted(hook, told):
            hook(ended)


def tell(arounds: Iterable[Around], change: StatusChange) -> list[str]:
    """Call what wants to know of a status that has changed; returns what went wrong in it."""
    told: list[str] = []
    for around in arounds:
        failed = around.failure if change.status is Status.FAILED else []
        for hook in (*failed, *around.status):
            with _noted(hook, told):
                hook(change)
    return told


@contextlib.contextmanager
def _noted(hook: Callable[..., object], told: list[str]) -> Generator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:  # noqa: BLE001 — the application's, and no end
        name = getattr(hook, "__name__", "hook")
        told.append(f"the hook {name} raised {type(error).__name__}: {str(error)[:200]}")
