"""Everything that can be wrong with an installation, looked at without changing any of it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jobrunner._version import __version__
from jobrunner.core.errors import DatabaseError
from jobrunner.core.finding import Finding, ok, problem, warning
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.registry import Registry
from jobrunner.runtime.vitals import (
    judge_clock,
    judge_functions,
    judge_queues,
    judge_workers,
    vitals,
)
from jobrunner.storage import health, holders, migrate, stuck, workers
from jobrunner.storage.engine import Database
from jobrunner.storage.look import fingerprint, is_quiet, looking, tried
from jobrunner.storage.place import surroundings

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOOKS: Final = 3
"""How often to look again at a database that somebody opens meanwhile."""


def examine(database: Database, *, registry: Registry, clock: Clock) -> list[Finding]:
    """Look at the installation, the database's place, the database, its workers and its tasks.

    Nothing is made or changed, and no lock is waited for longer than two seconds.
    """
    path = database.path
    found = [health.versions(__version__)]
    if path is not None:
        found += [health.library(), health.settings(), health.libraries()]
        found += tried("place", lambda: surroundings(path, database.reserve), database)
        if not _is_there(path):
            absent = tried("database", lambda: _absent(path), database)
            return [*found, judge_clock(clock.now(), None), *absent]
    return [*found, *_undisturbed(database, registry, clock.now())]


def _is_there(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False


def _absent(path: Path) -> Iterator[Finding]:
    name = "database"
    if path.is_file():
        yield warning(name, f"{path} is empty", "The first use makes its tables.")
    elif path.exists():
        yield problem(name, f"{path} is not a file", "Give another path with --db.")
    else:
        hint = "`jobrunner enqueue` makes one; or name another with --db or JOBRUNNER_DB."
        yield problem(name, f"there is no database {path}", hint)


def _undisturbed(database: Database, registry: Registry, now: datetime) -> list[Finding]:
    """Look again where what was read as if nobody wrote was opened by somebody meanwhile."""
    path = database.path
    if path is None:
        return list(_inside(database, registry, now))
    found: list[Finding] = []
    for _ in range(LOOKS):
        before = fingerprint(path)
        found = list(_inside(database, registry, now))
        if not is_quiet(path) and not before.is_quiet:
            break
        if fingerprint(path) == before:
            break
    return found


def _inside(database: Database, registry: Registry, now: datetime) -> Iterator[Finding]:
    path = database.path
    if path is not None:  # while this process holds no lock itself
        yield holders.judge(holders.holders(path))
    try:
        with looking(database) as connection:
            found = health.first_look(connection)
            yield ok("database", f"{database.name}, {found}")
            yield from _checks(database, connection, registry, now)
    except DatabaseError as error:
        yield problem("database", str(error), error.hint)


def _checks(
    database: Database, connection: "Connection", registry: Registry, now: datetime
) -> Iterator[Finding]:
    path = database.path
    if path is not None:
        size = path.stat().st_size
        yield from tried("integrity", lambda: [health.integrity(connection, size)], database)
        yield from tried("wal", lambda: health.journal(connection, path), database)
    if path is None:
        yield from tried(
            "notifications", lambda: [health.hearing(database.hears_itself())], database
        )
    yield from tried("schema", lambda: _tables(database, connection, registry, now), database)


def _tables(
    database: Database, connection: "Connection", registry: Registry, now: datetime
) -> Iterator[Finding]:
    version = migrate.version(connection)
    yield health.schema(version)
    if version == migrate.HEAD:
        yield from tried("tasks", lambda: _work(database, connection, registry, now), database)


def _work(
    database: Database, connection: "Connection", registry: Registry, now: datetime
) -> Iterator[Finding]:
    seen = stuck.look(connection)
    found = vitals(database.lock_folder, workers.alive(connection), now)
    yield judge_clock(now, seen.newest)
    yield from judge_workers(found, seen)
    yield from judge_queues(found, seen)
    yield from judge_functions(registry.names, seen)
