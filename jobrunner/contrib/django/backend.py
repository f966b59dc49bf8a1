"""The backend itself: enqueues Django's tasks, and tells what became of them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jobrunner.contrib.django import known, options, results
from jobrunner.contrib.django.framework import (
    BaseTaskBackend,
    ImproperlyConfigured,
    base,
    checks,
    db,
    exceptions,
    settings,
    signals,
    tasks,
    timezone,
)
from jobrunner.contrib.django.queues import DjangoQueue, queue_of
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.new_task import NewTask
from jobrunner.core.options import TaskOptions, new_task
from jobrunner.core.task import Task
from jobrunner.function import fitted
from jobrunner.storage.location import file_of, parse


class Backend(BaseTaskBackend):
    """Stores tasks in jobrunner's database, where `manage.py jobrunner_work` runs them."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        """Nothing is opened yet.

        Raises:
            ImproperlyConfigured: an option has no meaning.
        """
        super().__init__(alias, params)
        self.given = options.read(alias, params.get("OPTIONS", {}))
        self._is_checked = False

    @property
    def queue(self) -> DjangoQueue:
        """The queue behind it, for all that Django's tasks have no word for.

        Raises:
            ImproperlyConfigured: its file is one of Django's own databases.
            DatabaseError: the location has no meaning.
        """
        if not self._is_checked:
            for problem in self._shared_files():
                raise ImproperlyConfigured(problem)
            self._is_checked = True
        return queue_of(self.given.database, self.alias)

    def validate_task(self, task: Any) -> None:
        """Make sure that it can be stored; Django asks for each task that it makes.

        Raises:
            InvalidTask: it cannot.
        """
        super().validate_task(task)
        known.note(task)

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Store a task; it survives a crash once this returns.

        With `enqueue_on_commit`, inside a transaction of that database, it is stored after its
        commit, and never if that is rolled back: until then its result has no id.

        Raises:
            InvalidTask: it is none that this backend takes.
            TypeError: an argument is not JSON.
        """
        self.validate_task(task)
        result = tasks.TaskResult(
            task=task,
            id="",
            status=base.TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        store = partial(self._store, result, self._new(task, result.args, result.kwargs))
        if self.given.waits_for is None:
            store()
        else:
            db.transaction.on_commit(store, using=self.given.waits_for)
        return result

    def get_result(self, result_id: str) -> Any:
        """What is known of a task by the id of its result.

        Raises:
            TaskResultDoesNotExist: there is no such task, or it is none of Django's.
        """
        try:
            stored = self.queue.get(int(result_id))
        except (TaskNotFoundError, TypeError, ValueError):
            raise exceptions.TaskResultDoesNotExist(result_id) from None
        task = known.find(stored.function or "")
        if task is None:
            raise exceptions.TaskResultDoesNotExist(result_id)
        return results.told(self.queue, task, stored, alias=self.alias)

    def check(self, **kwargs: Any) -> Iterable[Any]:
        """What Django's system checks find."""
        yield from super().check(**kwargs)
        for problem in self._shared_files():
            yield checks.Error(problem, id="jobrunner.E001")

    def _new(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> NewTask[Any]:
        function = self.queue.registry.get(task.module_path)
        wanted: TaskOptions = {
            **self.given.of(task.module_path),
            "queue": task.queue_name,
            "priority": int(task.priority),
        }
        if task.run_after is not None:
            aware = timezone.is_aware(task.run_after)
            wanted["run_at"] = task.run_after if aware else timezone.make_aware(task.run_after)
        fit = fitted(wanted, function, args, kwargs)
        return new_task(fit, function=function.name, args=args, kwargs=kwargs)

    def _store(self, result: Any, new: NewTask[Any]) -> None:
        stored = self.queue.enqueue(new)
        if stored.is_duplicate:
            self._show(result, stored)
            return
        object.__setattr__(result, "id", str(stored.id))
        object.__setattr__(result, "enqueued_at", results.moment(stored.created_at))
        signals.task_enqueued.send(type(self), task_result=result)

    def _show(self, result: Any, stored: Task[Any]) -> None:
        """Of a unique task that was there already, show that one."""
        there = results.told(self.queue, result.task, stored, alias=self.alias)
        for name in ("id", *base.TASK_REFRESH_ATTRS):
            object.__setattr__(result, name, getattr(there, name))

    def _shared_files(self) -> Iterable[str]:
        """Two SQLite libraries in one process must not meet in one file: locks would be lost."""
        own = file_of(parse(self.given.database))
        for alias, database in settings.DATABASES.items():
            is_file = str(database.get("ENGINE", "")).endswith((".sqlite3", ".spatialite"))
            if own is not None and is_file and Path(database.get("NAME") or "").absolute() == own:
                yield (
                    f"the tasks of {self.alias!r} must not be in the file of the database"
                    f" {alias!r}: name another in OPTIONS['database']"
                )
