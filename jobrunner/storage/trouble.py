"""What a driver's error means, in a sentence and a next step."""

from typing import Any, Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from jobrunner.core.errors import ConflictError, DatabaseDamagedError, DatabaseError, DiskFullError

_DAMAGED: Final = (
    "Its workers stop and the file stays as it is; put a backup in its place with "
    "`jobrunner db restore FILE`."
)

_UNREACHED: Final = (
    "Check the host, the name, the user and the password in the URL, and that the server runs and"
    " has connections left."
)
"""A server that lets nobody in says why in its own language, without a code."""

Told = tuple[type[DatabaseError], str, str]
"""The class of the error, what is said of the database, and the next step."""

_TROUBLE: Final[dict[int | str, Told]] = {
    5: (DatabaseError, "is locked by another program", "`jobrunner doctor` names it."),
    8: (DatabaseError, "is read-only", "Give its owner write access to the file and its folder."),
    10: (DatabaseError, "could not be read or written", "Check the disk with `jobrunner doctor`."),
    11: (DatabaseDamagedError, "is damaged", _DAMAGED),
    13: (DiskFullError, "has no room to grow: the disk is full", "Free some space."),
    14: (DatabaseError, "cannot be opened", "Check that its folder exists and may be written."),
    26: (
        DatabaseDamagedError,
        "is not an SQLite database",
        "Give another path with --db or JOBRUNNER_DB; if it was one, `jobrunner db restore FILE`.",
    ),
    "25P": (
        DatabaseError,
        "ended a transaction in which nothing was done for too long",
        "Keep transactions short.",
    ),
    "25006": (DatabaseError, "takes no writes", "Give the address of the primary server."),
    "40": (ConflictError, "had two transactions in each other's way", "Try again."),
    "42P01": (
        DatabaseError,
        "lacks a table of jobrunner's",
        "Restore it from a backup, or give jobrunner another schema.",
    ),
    "42P07": (
        DatabaseError,
        "holds a table that is not jobrunner's",
        "Give jobrunner a schema of its own: add ?schema=NAME to the URL.",
    ),
    "42501": (DatabaseError, "does not allow it to this user", "GRANT what the error names."),
    "53100": (DiskFullError, "has no room to grow: the server's disk is full", "Free some space."),
    "53": (
        DatabaseError,
        "is short of connections or memory",
        "Raise max_connections, run fewer workers, or put a pooler before it.",
    ),
    "55P03": (
        DatabaseError,
        "is locked by another session",
        "Look for an open transaction in pg_stat_activity.",
    ),
    "57014": (DatabaseError, "did not answer in time", "Ask for less, or raise statement_timeout."),
    "57P": (DatabaseError, "is shutting down or starting", "Wait for it, then try again."),
    "XX001": (DatabaseDamagedError, "is damaged", "Restore the server from a backup."),
    "XX002": (DatabaseDamagedError, "is damaged", "Restore the server from a backup."),
}
"""SQLite's primary result codes and PostgreSQL's SQLSTATEs (or how they begin) that are no fault
of a statement, in words."""

_FULL: Final = 13
_TOLD_OF_A_FULL_DISK: Final = {10, 14}
_LOCKED: Final = {5, 6}
_SQLSTATE_PARTS: Final = (5, 3, 2)


def is_trouble(error: DBAPIError) -> bool:
    """Whether it is about the database and not about the statement, if there is one."""
    is_of_the_driver = isinstance(error, OperationalError | InterfaceError)
    return _told(error) is not None or is_of_the_driver or error.statement is None


def is_full(error: DBAPIError) -> bool:
    """Whether something was not written for want of room."""
    return _code(error) == _FULL


def is_locked(error: Exception) -> bool:
    """Whether a driver's own error says that somebody else has the database."""
    return _primary(error) in _LOCKED


def explain(error: DBAPIError, name: str, *, full: bool = False) -> DatabaseError:
    """The error to raise instead. `name` is the database as people may see it.

    On a `full` disk SQLite says of many a thing that it cannot be read, written or opened.
    """
    said = str(error.orig).strip().partition("\n")[0]
    unknown = (DatabaseError, "cannot be used", _UNREACHED)
    full = full and _code(error) in _TOLD_OF_A_FULL_DISK
    told = _TROUBLE[_FULL] if full else _told(error)
    kind, problem, hint = told or unknown
    is_file_told = told is not None and _code(error) in _TROUBLE  # a server's words say more
    return kind(f"the database {name} {problem}" + ("" if is_file_told else f": {said}"), hint=hint)


def no_connection_left(name: str) -> DatabaseError:
    """The error where all connections that this process may have are in use for too long."""
    return DatabaseError(
        f"no connection to the database {name} came free in time",
        hint="Keep transactions short, or run fewer threads in one process.",
    )


def _told(error: DBAPIError) -> Told | None:
    if state := getattr(error.orig, "sqlstate", None):
        keys: list[str] = [state[:length] for length in _SQLSTATE_PARTS]
        return next((_TROUBLE[key] for key in keys if key in _TROUBLE), None)
    return _TROUBLE.get(_code(error))


def damaged(name: str, found: str) -> DatabaseDamagedError:
    """The error for a file that cannot be trusted. `found` is what SQLite says of it."""
    return DatabaseDamagedError(f"the database {name} is damaged: {found}", hint=_DAMAGED)


def _code(error: DBAPIError) -> int:
    return _primary(error.orig)


def _primary(error: Any) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
