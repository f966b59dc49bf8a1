"""The tasks of the project, by the path of their function: only these are ever run."""

import importlib
from collections.abc import Iterable
from typing import Any, Final

from jobrunner.contrib.django.framework import apps, autodiscover_modules, django

_known: Final[dict[str, Any]] = {}


def note(task: Any) -> None:
    """Note a task as Django makes it; of copies with other settings, the first counts."""
    known = _known.get(task.module_path)
    if known is None or known.func is not task.func:
        _known[task.module_path] = task


def find(path: str) -> Any | None:
    """The task of this path, `None` where the project has none.

    A path that stands in a row makes nothing else be imported than a module of an installed app.
    """
    if path not in _known:
        module, _, _ = path.rpartition(".")
        if module and apps.get_containing_app_config(module) is not None:
            try:
                importlib.import_module(module)
            except ImportError:
                return None
    return _known.get(path)


def paths() -> list[str]:
    """The paths that are known by now."""
    return list(_known)


def load(modules: Iterable[str]) -> None:
    """Set Django up where that was not done, and import what defines tasks.

    That is `tasks` of each installed app, and the modules that the backend names.

    Raises:
        ImportError: one of those is not there.
    """
    if not apps.ready:
        django.setup()
    autodiscover_modules("tasks")
    for module in modules:
        importlib.import_module(module)
