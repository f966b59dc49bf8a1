"""Settings: a flag, then the environment, then pyproject.toml; the only reader of os.environ."""

import importlib
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from jobrunner.core.errors import ApplicationError, ConfigurationError, DatabaseError

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue

DEFAULT_DB: Final = "jobrunner.db"
DEFAULT_ATTRIBUTE: Final = "queue"


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for; `None` where nothing was said."""

    db: str | None = None
    app: str | None = None
    log_format: str | None = None


KNOWN: Final = tuple(field.name for field in fields(Settings))


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
    section = _table(_table(found, "tool", path), "jobrunner", path)
    for name, value in section.items():
        if name not in KNOWN or not isinstance(value, str):
            raise ConfigurationError(
                f"{path}: [tool.jobrunner] {name} = {value!r} has no meaning",
                hint=f"Known settings, each a text: {', '.join(KNOWN)}.",
            )
    if "db" in section and "://" not in section["db"]:
        section["db"] = str(path.parent / section["db"])
    return section


def _table(found: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = found.get(name, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {name} must be a table", hint="Write [tool.jobrunner].")
    return cast("dict[str, Any]", table)


def is_completing() -> bool:
    """Whether a shell asks what a word may become, and nothing is to be run: Typer's variable."""
    return "_JOBRUNNER_COMPLETE" in os.environ


def variable(name: str) -> str:
    """What stands in the environment under a name: for what no command line should show.

    Raises:
        ConfigurationError: nothing does.
    """
    found = os.environ.get(name)
    if not found:
        raise ConfigurationError(
            f"the environment has no variable {name}", hint=f"Set it: {name}=… jobrunner …"
        )
    return found


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
    if settings.db is not None:
        queue.relocate(settings.db)
    return queue


def must_exist(settings: Settings) -> None:
    """Make sure of the database that was named, so that a typing error does not make a new one.

    Raises:
        DatabaseError: there is no such file.
    """
    from jobrunner.storage.engine import Database  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    if settings.app is not None and settings.db is None:
        return  # the application's own
    path = Database(settings.db or DEFAULT_DB).path
    if path is not None and not path.exists():
        raise DatabaseError(
            f"there is no database {path}",
            hint="`jobrunner enqueue` makes one; or name another with --db or JOBRUNNER_DB.",
        )


def load_application(reference: str) -> "TaskQueue":
    """Import `module:attribute`, with the present folder first on the path.

    The attribute may be dotted, and is `queue` unless named.

    Raises:
        ApplicationError: it cannot be imported, or is no TaskQueue.
    """
    from jobrunner.task_queue import TaskQueue  # noqa: PLC0415 — `--help` needs no SQLAlchemy

    module, _, attribute = reference.partition(":")
    attribute = attribute or DEFAULT_ATTRIBUTE
    folder = str(Path.cwd())
    if sys.path[:1] not in ([folder], [""]):
        sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        raise ApplicationError(reference, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, TaskQueue):
        problem = f"{attribute} is of type {type(found).__name__}, not TaskQueue"
        raise ApplicationError(reference, problem)
    return found
