"""What a driver's error means, in a sentence and a next step."""

from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from jobrunner.core.errors import DatabaseDamagedError, DatabaseError, DiskFullError

_DAMAGED: Final = (
    "Its workers stop and the file stays as it is; put a backup in its place with "
    "`jobrunner db restore FILE`."
)

_TROUBLE: Final[dict[int, tuple[type[DatabaseError], str, str]]] = {
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
}
"""SQLite's primary result codes that are no fault of a statement, in words."""


_FULL: Final = 13
_TOLD_OF_A_FULL_DISK: Final = {10, 14}


def is_trouble(error: DBAPIError) -> bool:
    """Whether it is about the database and not about the statement."""
    return _code(error) in _TROUBLE or type(error.orig).__name__ == "OperationalError"


def is_full(error: DBAPIError) -> bool:
    """Whether something was not written for want of room."""
    return _code(error) == _FULL


def is_locked(error: Exception) -> bool:
    """Whether a driver's own error says that somebody else has the database."""
    return _primary(error) in {5, 6}


def explain(error: DBAPIError, name: str, *, full: bool = False) -> DatabaseError:
    """The error to raise instead. `name` is the database as people may see it.

    On a `full` disk SQLite says of many a thing that it cannot be read, written or opened.
    """
    code = _code(error)
    kind, problem, hint = _TROUBLE.get(
        _FULL if full and code in _TOLD_OF_A_FULL_DISK else code,
        (DatabaseError, f"cannot be used: {error.orig}", "Check the address and the server."),
    )
    return kind(f"the database {name} {problem}", hint=hint)


def damaged(name: str, found: str) -> DatabaseDamagedError:
    """The error for a file that cannot be trusted. `found` is what SQLite says of it."""
    return DatabaseDamagedError(f"the database {name} is damaged: {found}", hint=_DAMAGED)


def _code(error: DBAPIError) -> int:
    return _primary(error.orig)


def _primary(error: Any) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
