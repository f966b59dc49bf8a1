"""What stands in `OPTIONS` of a backend: where the tasks are, and how they are to be run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from jobrunner.contrib.django.framework import ImproperlyConfigured, settings
from jobrunner.core.options import TaskOptions
from jobrunner.core.unique import Unique

TASK_OPTIONS: Final = frozenset(
    {"cache", "concurrency_key", "expires_in", "max_attempts", "needs", "timeout", "unique"}
)
"""What can be said of all tasks, or of those of one function: see `TaskOptions`."""

OWN: Final = frozenset({"database", "enqueue_on_commit", "modules", "tasks"})


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """The options of one backend, checked.

    `database` is a path or a URL. `waits_for` is the alias of the Django database whose commit an
    enqueue waits for, `None` for one that does not wait. `modules` define tasks and are of no
    installed app.
    """

    database: str
    waits_for: str | None = None
    modules: tuple[str, ...] = ()
    common: TaskOptions = field(default_factory=TaskOptions)
    single: Mapping[str, TaskOptions] = field(default_factory=dict[str, TaskOptions])

    def of(self, path: str) -> TaskOptions:
        """How tasks of one function are to be run."""
        return {**self.common, **self.single.get(path, {})}


def read(alias: str, options: Mapping[str, Any]) -> BackendOptions:
    """Read what stands in `OPTIONS`.

    A task runs once unless `max_attempts` says otherwise: Django knows no retries, and code that
    is written for it expects none. A crash of its worker is no attempt, here as everywhere.

    Raises:
        ImproperlyConfigured: there is no such option, or it has no such value.
    """
    _check_names(f"TASKS[{alias!r}]['OPTIONS']", options, OWN | TASK_OPTIONS)
    single: dict[str, TaskOptions] = {}
    for path, given in dict(options.get("tasks", {})).items():
        _check_names(f"TASKS[{alias!r}]['OPTIONS']['tasks'][{path!r}]", given, TASK_OPTIONS)
        single[path] = _task_options(given)
    waits = options.get("enqueue_on_commit", False)
    return BackendOptions(
        database=str(options.get("database", _beside_the_project())),
        waits_for="default" if waits is True else waits or None,
        modules=tuple(options.get("modules", ())),
        common=_task_options({"max_attempts": 1, **options}),
        single=single,
    )


def _check_names(place: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in given:
        if name not in known:
            raise ImproperlyConfigured(
                f"{place} has no option {name!r}; those there are: {', '.join(sorted(known))}."
            )


def _task_options(given: Mapping[str, Any]) -> TaskOptions:
    options = {name: value for name, value in given.items() if name in TASK_OPTIONS}
    if options.get("unique") is True:
        options["unique"] = Unique(on_conflict="ignore")
    return cast("TaskOptions", options)


def _beside_the_project() -> str:
    folder = getattr(settings, "BASE_DIR", None)
    return "jobrunner.db" if folder is None else str(Path(folder) / "jobrunner.db")
