"""What is used of Django, from `django.tasks` or from the package that brings it to older ones."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core.errors import ConfigurationError


def _tasks() -> Any:
    """Django's own tasks, of 6.0 and newer; before that, those of `django-tasks`."""
    for name in ("django.tasks", "django_tasks"):
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in {"django", name}:  # one of theirs is missing
                raise
    raise ConfigurationError(
        "there are no tasks in Django here",
        hint="Install Django 6.0 or newer, or django-tasks beside an older one.",
    )


def _part(name: str) -> Any:
    return import_module(f"{tasks.__name__}.{name}")


def _normalize() -> Any:
    place = "django.utils.json" if tasks.__name__ == "django.tasks" else f"{tasks.__name__}.utils"
    return import_module(place).normalize_json


# Django tells no types: this is the edge behind which nothing else is untyped.
tasks: Final = _tasks()
base: Final = _part("base")
signals: Final = _part("signals")
exceptions: Final = _part("exceptions")
InvalidTask: Final[type[Exception]] = (
    getattr(exceptions, "InvalidTask", None) or exceptions.InvalidTaskError
)
normalize_json: Final = _normalize()

if TYPE_CHECKING:

    class BaseTaskBackend:
        """What is used of Django's own, with the types that it does not tell."""

        alias: str
        queues: set[str]

        def __init__(self, alias: str, params: Mapping[str, Any]) -> None: ...
        def validate_task(self, task: Any) -> None:
            """Raise InvalidTask for a task that is none."""

        def check(self, **kwargs: Any) -> Iterable[Any]:
            """What is wrong with its settings."""
            ...

else:
    BaseTaskBackend = _part("backends.base").BaseTaskBackend


django: Final[Any] = import_module("django")
apps: Final[Any] = import_module("django.apps").apps
settings: Final[Any] = import_module("django.conf").settings
checks: Final[Any] = import_module("django.core.checks")
db: Final[Any] = import_module("django.db")
timezone: Final[Any] = import_module("django.utils.timezone")
autodiscover_modules: Final[Any] = import_module("django.utils.module_loading").autodiscover_modules
ImproperlyConfigured: Final[type[Exception]] = import_module(
    "django.core.exceptions"
).ImproperlyConfigured
sync_to_async: Final[Any] = import_module("asgiref.sync").sync_to_async
