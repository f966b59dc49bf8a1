"""Django set up once, and a backend with a database of its own for each test."""

import os
from collections.abc import Iterator

import django
import pytest
from django.db import connections
from django.test import override_settings

from jobrunner import TaskQueue, Worker
from jobrunner.contrib.django.framework import tasks
from jobrunner.contrib.django.queues import close_all

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.contrib.shop.settings"
django.setup()

BACKEND = "jobrunner.contrib.django.Backend"


class Project:
    """The project with one backend, which can be given other settings."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._set: list[override_settings] = []
        self.set()

    def set(self, *, queues=("default", "mail"), use_tz=True, **options):
        """Use these settings from now on."""
        given = {
            "BACKEND": BACKEND,
            "QUEUES": list(queues),
            "OPTIONS": {"database": self.location, **options},
        }
        changed = override_settings(TASKS={"default": given}, USE_TZ=use_tz)
        changed.enable()
        self._set.append(changed)

    def close(self):
        while self._set:
            self._set.pop().disable()
        close_all()
        connections.close_all()

    @property
    def backend(self):
        return tasks.task_backends["default"]

    @property
    def queue(self):
        return self.backend.queue

    def work(self, max_tasks=None, **options):
        """Run all there is, or so many of them."""
        worker = Worker(self.queue, **{"concurrency": 1, **options})
        return worker.run(until_empty=max_tasks is None, max_tasks=max_tasks)

    def behind_it(self, new):
        """Store a task as something else than Django would; its id as text."""
        queue = TaskQueue(self.location)
        try:
            return str(queue.enqueue(new).id)
        finally:
            queue.close()


@pytest.fixture
def on_file(tmp_path) -> Iterator[Project]:
    made = Project(str(tmp_path / "jobs.db"))
    yield made
    made.close()


@pytest.fixture
def project(location) -> Iterator[Project]:
    made = Project(location)
    yield made
    made.close()
