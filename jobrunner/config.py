"""Settings: a flag, then the environment, then pyproject.toml; the only reader of os.environ."""

import importlib
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core.errors import ApplicationError, ConfigurationError

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

DEFAULT_DB: Final = "jobrunner.db"
KNOWN: Final = ("app", "db", "log_format")


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for; `None` where nothing was said."""

    db: str | None = None
    app: str | None = None
    log_format: str | None = None


def load(
    flags: Settings, *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Settings:
    """Put together flags, `JOBRUNNER_*` and the nearest pyproject.toml at or above `folder`.

    Raises:
        ConfigurationError: the file cannot be read, or a setting has no meaning.
    """
    environment = os.environ if environment is None else environment
    stored = _from_file(folder or Path.cwd())
    chosen = {
        name: getattr(flags, name)
        or environment.get(f"JOBRUNNER_{name.upper()}")
        or stored.get(name)
        for name in KNOWN
    }
    return Settings(**chosen)


def _from_file(folder: Path) -> dict[str, str]:
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if path.is_file():
            return _section(path)
    return {}


def _section(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    section: Any = found.get("tool", {}).get("jobrunner", {})
    settings: dict[str, str] = {}
    for name, value in section.items():
        if name not in KNOWN or not isinstance(value, str):
            known = ", ".join(KNOWN)
            raise ConfigurationError(
                f"{path}: [tool.jobrunner] {name} = {value!r} has no meaning",
                hint=f"Known settings, each a text: {known}.",
            )
        settings[name] = value
    if "db" in settings and "://" not in settings["db"]:
        settings["db"] = str(path.parent / settings["db"])
    return settings


def open_queue(settings: Settings) -> "TaskQueue":
    """The application's queue, or a plain one; where a database is named, it is that one.

    Raises:
        ApplicationError: the application cannot be imported.
        DatabaseError: the database's name has no meaning.
    """
    from jobrunner.task_queue import TaskQueue  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    if settings.app is None:
        return TaskQueue(settings.db or DEFAULT_DB)
    queue = load_application(settings.app)
    if settings.db is None:
        return queue
    chosen = TaskQueue(settings.db)
    chosen.registry = queue.registry
    return chosen


def load_application(reference: str) -> "TaskQueue":
    """Import `module:attribute`, with the present folder first on the path.

    Raises:
        ApplicationError: it cannot be imported, or is no TaskQueue.
    """
    from jobrunner.task_queue import TaskQueue  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    module, _, attribute = reference.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        raise ApplicationError(reference, f"{type(error).__name__}: {error}") from error
    for part in (attribute or "queue").split("."):
        if not hasattr(found, part):
            raise ApplicationError(reference, f"{module} has no {attribute or 'queue'}")
        found = getattr(found, part)
    if not isinstance(found, TaskQueue):
        raise ApplicationError(reference, f"it is a {type(found).__name__}, not a TaskQueue")
    return found
