"""What applications test themselves with: a stub clock, drain and inline modes, assertions."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobrunner.testing.assertions import assert_enqueued, enqueued, refute_enqueued
    from jobrunner.testing.clock import StubClock
    from jobrunner.testing.draining import Drained, DrainLimitError, drain
    from jobrunner.testing.inlining import inline
    from jobrunner.testing.isolation import isolated

__all__ = [
    "DrainLimitError",
    "Drained",
    "StubClock",
    "assert_enqueued",
    "drain",
    "enqueued",
    "inline",
    "isolated",
    "refute_enqueued",
]

_HOMES = {
    "DrainLimitError": "draining",
    "Drained": "draining",
    "StubClock": "clock",
    "drain": "draining",
    "inline": "inlining",
    "isolated": "isolation",
}
"""Where each public name lives; the others live in `assertions`.

No module has the name of a function: once imported, it would stand in the function's place.
"""


def __getattr__(name: str) -> Any:
    """Import a public name on first use: every run of pytest imports this package."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    home = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'assertions')}")
    return getattr(home, name)
