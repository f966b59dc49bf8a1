"""What SQLite needs: a sound library, safe settings, private files, writers in turn."""

import contextlib
import fcntl
import importlib
import os
import sqlite3
import threading
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from jobrunner.core.errors import DatabaseError

BUSY_TIMEOUT_MS: Final = 10_000
JOURNAL_LIMIT: Final = 64 * 1024 * 1024

PRAGMAS: Final = (
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    f"PRAGMA journal_size_limit={JOURNAL_LIMIT}",
    "PRAGMA fullfsync=ON",
    "PRAGMA checkpoint_fullfsync=ON",
)


def choose_driver() -> ModuleType:
    """The newer of Python's own SQLite and that of the `pysqlite3` wheel.

    One library for the whole process: two on one file both got the write lock.
    """
    try:
        wheel = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3
    return wheel if wheel.sqlite_version_info > sqlite3.sqlite_version_info else sqlite3


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Whether this SQLite can corrupt a WAL database under several connections.

    The WAL-reset race: 3.7.0 to 3.51.2, fixed in 3.51.3, 3.50.7 and 3.44.6
    (https://sqlite.org/wal.html#walresetbug).
    """
    if version >= (3, 51, 3):
        return False
    return not any(
        version[:2] == fixed[:2] and version >= fixed for fixed in ((3, 50, 7), (3, 44, 6))
    )


def prepare(connection: Any, turnstile: "Turnstile") -> None:
    """Set up a new connection; every PRAGMA is read to its end, or it keeps a lock."""
    connection.isolation_level = None  # BEGIN is ours, from the engine's hook
    for pragma in PRAGMAS:
        connection.execute(pragma).fetchall()
    if connection.execute("PRAGMA journal_mode").fetchall() != [("wal",)]:
        # Two that switch at once block each other, and no busy timeout helps
        # (guarded by test_a_fresh_database_opened_by_many_is_made_once).
        with turnstile.turn():
            connection.execute("PRAGMA journal_mode=WAL").fetchall()


def create_private(path: Path) -> None:
    """Make the database file readable by its owner only, before SQLite opens it.

    The -wal and -shm files inherit the mode. An existing file is never opened here: closing
    a descriptor of a database in use drops its locks.
    """
    with contextlib.suppress(FileExistsError):
        os.close(_open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC))


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:
        raise
    except FileNotFoundError as error:
        raise DatabaseError(
            f"the folder {path.parent} does not exist", hint="Create it, or name another --db."
        ) from error
    except OSError as error:
        raise DatabaseError(
            f"cannot use {path}: {error.strerror}",
            hint="Check the folder, its permissions and the free space.",
        ) from error


_turns: Final[dict[Path, int]] = {}
"""Which thread of this process is in its turn, for each turnstile's file."""


def in_turn() -> bool:
    """Whether this thread is in a writing transaction: for a second one it would wait for ever."""
    return threading.get_ident() in list(_turns.values())


class Turnstile:
    """Lets writers in one at a time: threads by a mutex, processes by `flock` on a file.

    SQLite's own busy handler starves (guarded by test_writers_take_turns). This is for
    fairness, and keeps checkpoints from meeting commits; SQLite's lock remains the truth.
    A thread that waited for itself would shut out everybody for ever: it gets an error.
    """

    def __init__(self, path: Path) -> None:
        """`path` is a file of its own beside the database, never the database."""
        self._path = path
        self._mutex = threading.Lock()
        self._descriptor: int | None = None

    @contextlib.contextmanager
    def turn(self) -> Generator[None]:
        """Wait for the turn and hold it.

        Raises:
            DatabaseError: this thread holds it already.
        """
        me = threading.get_ident()
        if _turns.get(self._path) == me:
            raise DatabaseError(
                "a transaction of this thread is open already",
                hint="Do this after it; inside it, use its connection and the queue's own verbs.",
            )
        with self._mutex:
            descriptor = self._opened()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                _turns[self._path] = me
                yield
            finally:
                if _turns.get(self._path) == me:
                    del _turns[self._path]
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _opened(self) -> int:
        if self._descriptor is None:
            flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = _open(self._path, flags)
        return self._descriptor

    def close(self) -> None:
        """Let go of the file."""
        with self._mutex:
            self._close()

    def forget(self) -> None:
        """Start afresh in a forked child, whatever the parent's threads were doing.

        The inherited descriptor is the parent's own lock: kept open here, it would outlive a
        parent that dies in its turn, and shut everybody out
        (guarded by test_a_child_does_not_keep_its_dead_parents_turn).
        """
        self._mutex = threading.Lock()
        _turns.clear()
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None
