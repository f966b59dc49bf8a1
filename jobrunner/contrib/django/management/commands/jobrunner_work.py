"""`manage.py jobrunner_work`: run the project's tasks until told to stop."""

import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

from jobrunner.contrib.django import known
from jobrunner.contrib.django.backend import Backend
from jobrunner.contrib.django.framework import tasks
from jobrunner.contrib.django.queues import DjangoQueue
from jobrunner.core.errors import JobrunnerError
from jobrunner.observe import logs
from jobrunner.runtime.noted import noted
from jobrunner.runtime.scheduler import Scheduler
from jobrunner.runtime.worker import Worker

management: Final[Any] = import_module("django.core.management.base")

LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
"""What is logged at `--verbosity` 0, 1 and more."""


class Command(management.BaseCommand):  # type: ignore[misc]
    """Runs the tasks of one backend, all its queues unless told otherwise."""

    help = "Run tasks with jobrunner. Ctrl-C or SIGTERM ends in order, a second one at once."

    def add_arguments(self, parser: Any) -> None:
        """Those of `jobrunner work`, as far as they make sense here."""
        parser.add_argument("--backend", default="default", help="which backend of TASKS")
        parser.add_argument("-q", "--queue", action="append", help="only this queue; repeatable")
        parser.add_argument("-c", "--concurrency", type=int, help="tasks at a time, each worker")
        parser.add_argument("--executor", default="thread", help="thread, process or async")
        parser.add_argument("--workers", type=int, default=1, help="worker processes")
        parser.add_argument("--name", help="its crew, paused and resized together")
        parser.add_argument(
            "--until-empty", action="store_true", help="end when nothing is left that could run"
        )
        parser.add_argument("--duration", type=float, help="end after so many seconds")
        parser.add_argument("--max-tasks", type=int, help="end each worker after so many tasks")

    def handle(self, **given: Any) -> None:
        """Work, and end with 128 plus the signal that ended it, if one did.

        Raises:
            CommandError: the backend is none of jobrunner's, or an option has no meaning.
        """
        backend = tasks.task_backends[given["backend"]]
        if not isinstance(backend, Backend):
            raise management.CommandError(
                f"the backend {given['backend']!r} is no jobrunner.contrib.django.Backend"
            )
        set_up = partial(_set_up_log, LEVELS[min(given["verbosity"], 2)])
        set_up()
        known.load(backend.given.modules)
        options = {
            "name": given["name"],
            "concurrency": given["concurrency"],
            "executor": given["executor"],
            "queues": given["queue"] or sorted(backend.queues),
        }
        limits = {name: given[name] for name in ("until_empty", "duration", "max_tasks")}
        try:
            received = _work(backend.queue, given["workers"], set_up, options, limits)
        except JobrunnerError as error:
            raise management.CommandError(f"{error}. {error.hint}".strip()) from error
        if received:
            raise SystemExit(128 + received[0])


def _work(
    queue: DjangoQueue,
    workers: int,
    set_up: Callable[[], None],
    options: dict[str, Any],
    limits: dict[str, Any],
) -> list[int]:
    """Work in this process, or in several; returns the signals that came."""
    if workers == 1:
        worker = Worker(queue, **options)
        with noted(worker.stop) as received:
            worker.run(**limits)
        return received
    scheduler = Scheduler(queue, workers=workers, setup=set_up, **options)
    with noted(lambda _reason: scheduler.stop()) as received:
        scheduler.run(**limits)
    return received


def _set_up_log(level: int) -> None:
    """Write the log to standard error, unless LOGGING says what becomes of it."""
    if not logs.logger.handlers and not logging.getLogger().handlers:
        logs.configure(level=level)
