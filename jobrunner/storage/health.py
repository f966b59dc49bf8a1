"""Is a database sound, and is the library that reads it: what each check of them finds."""

import platform
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, inspect

from jobrunner.core.finding import Finding, counted, listed, ok, problem, warning
from jobrunner.storage import holders, kernel, migrate, sqlite
from jobrunner.storage.look import is_quiet
from jobrunner.storage.place import MIB

CHECKED_UP_TO: Final = 1 << 30
"""Bytes of a file that are read through within seconds."""

FULL: Final = 2
"""`PRAGMA synchronous` where every commit reaches the disk."""

_OURS: Final = frozenset({"alembic", "jobrunner", "pysqlite3", "sqlalchemy"})

RESTORE: Final = "Put a backup in its place with `jobrunner db restore FILE`."


def versions(jobrunner: str) -> Finding:
    """What is installed."""
    return ok(
        "versions",
        f"jobrunner {jobrunner}, {platform.python_implementation()} {platform.python_version()},"
        f" SQLAlchemy {sqlalchemy.__version__}",
    )


def library() -> Finding:
    """The SQLite that opens the database, and whether it can be trusted with it."""
    driver = sqlite.choose_driver()
    return judge_library(driver.__name__.partition(".")[0], driver.sqlite_version_info)


def judge_library(driver: str, version: tuple[int, ...]) -> Finding:
    """Whether this version of SQLite has the WAL-reset bug."""
    says = f"SQLite {'.'.join(map(str, version))} by {driver}"
    if sqlite.has_wal_reset_bug(version):
        return problem(
            "sqlite",
            f"{says} can damage a database that several connections write (WAL-reset bug)",
            "Run `pip install 'pysqlite3>=0.6.1'`, or use a Python with SQLite 3.51.3 or newer.",
        )
    return ok("sqlite", f"{says}, without the WAL-reset bug")


def hearing(hears_itself: bool | None) -> Finding:  # noqa: FBT001 — one fact, judged
    """Whether workers of a server are woken at once; `None` where nobody is to wake them."""
    if hears_itself is None:
        return ok("notifications", "off: workers look once a second")
    if not hears_itself:
        says = "what is told is not heard: workers look once a second"
        hint = "Let listen_url name the same database, past any pooler; or say notify=off."
        return warning("notifications", says, hint)
    return ok("notifications", "workers are woken at once")


def settings() -> Finding:
    """Whether this library keeps to what jobrunner sets on every connection."""
    connection = sqlite.choose_driver().connect(":memory:", isolation_level=None)
    try:
        for pragma in sqlite.PRAGMAS:
            connection.execute(pragma).fetchall()
        found = connection.execute("PRAGMA synchronous").fetchone()[0]
    finally:
        connection.close()
    if found != FULL:
        says = f"a commit may not reach the disk: synchronous is {found}, not FULL"
        return problem("settings", says, "Install another SQLite, as with `pip install pysqlite3`.")
    return ok("settings", "a commit is on the disk before it counts (synchronous=FULL)")


def libraries() -> Finding:
    """Whether a second SQLite in this process could open the database behind the first's back."""
    driver = sqlite.choose_driver()
    users = [] if driver is sqlite3 else [*_users(sys.modules)]
    return judge_libraries(kernel.read("self/maps"), driver.__name__, users)


def _users(modules: Mapping[str, ModuleType]) -> Iterator[str]:
    """Modules of the application and of what it imports that hold Python's own sqlite3."""
    theirs = (sqlite3, sqlite3.connect, sqlite3.Connection)
    for name, module in list(modules.items()):
        if name.partition(".")[0] in sys.stdlib_module_names | _OURS:
            continue
        if any(value is one for value in list(vars(module).values()) for one in theirs):
            yield name


def judge_libraries(maps: str | None, driver: str, users: list[str]) -> Finding:
    """Out of the text of /proc/self/maps, and the modules that use Python's own sqlite3.

    Python's own is always there, since jobrunner compares the two: loaded it does no harm, only
    used for the same file.
    """
    name, hint = "libraries", "Never open the database with another than `queue.transaction()`."
    if users:
        says = f"{listed(users)} uses Python's own sqlite3 beside {driver}"
        return warning(name, says, hint)
    if maps is None:
        return ok(name, "not looked at: this system does not tell what is loaded")
    foreign = [path for path in kernel.libraries(maps) if not _is_expected(path)]
    if foreign:
        says = f"another SQLite is loaded in this process: {listed(foreign)}"
        return warning(name, says, hint)
    return ok(name, f"only {driver.partition('.')[0]} opens the database in this process")


def _is_expected(path: str) -> bool:
    """Python's own module with its shared library, and the wheel that jobrunner may choose."""
    place = Path(path)
    shared = place.name.startswith("libsqlite3") and place.parent.name != "site-packages"
    bundled = "site-packages" in place.parts
    if bundled:
        return place.parent.name == "pysqlite3"
    return shared or place.name.startswith("_sqlite3.") or Path(sys.prefix) in place.parents


def first_look(connection: Connection) -> str:
    """Read the database for the first time; how much there is in it.

    Raises:
        DBAPIError: it cannot be read.
    """
    tables = inspect(connection).get_table_names()
    return counted(len(tables), "table")


def schema(found: str | None) -> Finding:
    """Whether the tables are of this jobrunner's version."""
    name = "schema"
    if found == migrate.HEAD:
        return ok(name, f"version {found}")
    if found is None:
        says = "there are no tables yet"
        return warning(name, says, "`jobrunner db upgrade` makes them, or the first use.")
    if found in migrate.KNOWN:
        says = f"version {found}, and this jobrunner needs {migrate.HEAD}"
        return warning(name, says, "Run `jobrunner db upgrade`, or wait for the first use.")
    says = f"version {found} of a newer jobrunner; this one knows {migrate.HEAD}"
    return problem(name, says, "Upgrade jobrunner.")


def integrity(connection: Connection, size: int) -> Finding:
    """Whether all pages of a file of `size` bytes are sound."""
    name = "integrity"
    if size > CHECKED_UP_TO:
        return ok(name, f"not looked at: {size / MIB:,.0f} MiB; `jobrunner db check` does")
    found = [str(line) for line in _pragma(connection, "quick_check(5)")]
    if found != ["ok"]:
        return problem(name, f"the file is damaged: {' '.join(found[0].split())}", RESTORE)
    return ok(name, f"{size / MIB:,.1f} MiB read through, no damage")


def journal(connection: Connection, path: Path) -> Iterator[Finding]:
    """Whether the database is in WAL mode, and its WAL of a bounded size."""
    size = sqlite.size(f"{path}-wal")
    held = holders.holders(path)
    if is_quiet(path):
        yield judge_quiet(size, [str(one) for one in held.write] if held else [])
        return
    mode = _pragma(connection, "journal_mode")[0]
    if mode != "wal":
        says = f"the journal mode is {mode}, not wal"
        yield warning("wal", says, "`jobrunner db upgrade` switches it; else see the file system.")
    readers = [str(reader) for reader in held.readers] if held else []
    yield judge_wal(size, _unwritten(connection), readers)


def judge_quiet(size: int, alone: list[str]) -> Finding:
    """What a WAL of so many bytes means that is not shared; who is `alone` has it for himself."""
    if alone:
        says = f"{listed(alone)} has the database for itself: nobody else can use it"
        return warning("wal", says, "End it: such a lock is not jobrunner's.")
    if size:
        says = f"{size / MIB:,.1f} MiB in the WAL, seen by nobody since it was copied here"
        return warning("wal", says, "Keep the -wal beside the file: the next use takes it in.")
    return ok("wal", "empty: nobody has the database open")


def judge_wal(size: int, unwritten: int | None, readers: list[str]) -> Finding:
    """Whether a WAL of so many bytes, with so many frames not yet in the file, is too large."""
    says = f"{size / MIB:,.1f} MiB" + (
        "" if unwritten is None else f", {counted(unwritten, 'page')} not yet in the file"
    )
    if size > sqlite.JOURNAL_LIMIT:
        who = f"; reading now: {listed(readers)}" if readers else ""
        return warning(
            "wal",
            f"{says}: it grows past {sqlite.JOURNAL_LIMIT // MIB} MiB while somebody reads an old"
            f" view{who}",
            "End what keeps a transaction open: a long report, a forgotten shell.",
        )
    return ok("wal", says)


def _unwritten(connection: Connection) -> int | None:
    if sqlite.choose_driver().sqlite_version_info < (3, 51, 0):
        return None  # there NOOP means PASSIVE
    (row,) = connection.exec_driver_sql("PRAGMA wal_checkpoint(NOOP)").all()
    _, logged, checkpointed = row
    return max(0, int(logged) - int(checkpointed))


def _pragma(connection: Connection, pragma: str) -> list[Any]:
    return list(connection.exec_driver_sql(f"PRAGMA {pragma}").scalars().all())
