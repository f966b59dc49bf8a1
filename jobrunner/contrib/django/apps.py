"""The app that gives `manage.py` the command `jobrunner_work`."""

from importlib import import_module
from typing import Any, Final

# Not through `framework`: tasks are imported once all apps are known.
AppConfig: Final[Any] = import_module("django.apps").AppConfig


class JobrunnerConfig(AppConfig):  # type: ignore[misc]
    """Named in `INSTALLED_APPS` as `jobrunner.contrib.django`; it has no models."""

    name = "jobrunner.contrib.django"
    label = "jobrunner"
    verbose_name = "jobrunner"
