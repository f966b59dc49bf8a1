"""The project's tasks for the command line: `jobrunner -A jobrunner.contrib.django.app …`."""

from typing import Final

from jobrunner.contrib.django import known
from jobrunner.contrib.django.framework import tasks
from jobrunner.contrib.django.queues import DjangoQueue

known.load(())  # before anything is asked of the settings
known.load(tasks.task_backends["default"].given.modules)

queue: Final[DjangoQueue] = tasks.task_backends["default"].queue
"""The queue of the backend `default`; DJANGO_SETTINGS_MODULE names the project."""
