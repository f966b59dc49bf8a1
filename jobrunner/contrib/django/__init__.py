"""A backend for Django's tasks: `"BACKEND": "jobrunner.contrib.django.Backend"`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobrunner.contrib.django.backend import Backend

__all__ = ["Backend"]


def __getattr__(name: str) -> Any:
    """Import the backend on first use: as an installed app, this is imported before all others."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from jobrunner.contrib.django.backend import Backend  # noqa: PLC0415 — as above

    return Backend
