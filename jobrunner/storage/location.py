"""Where a database is: a path or a URL, read and refused in words."""

import os
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from jobrunner.core.errors import DatabaseError

_HINT: Final = "Give the path of an SQLite file, sqlite:///PATH, or postgresql://HOST/NAME."


def parse(location: str | os.PathLike[str]) -> URL:
    """Read a path or a database URL; an SQLite file's path comes out absolute.

    Raises:
        DatabaseError: it is neither, a database of another kind, or a folder.
    """
    name = os.fspath(location)
    try:
        url = make_url(name) if "://" in name else URL.create("sqlite", database=name)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise DatabaseError("the database URL cannot be read", hint=_HINT) from error
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise DatabaseError(f"databases of kind {backend!r} are not supported", hint=_HINT)
    if not url.database or url.database == ":memory:":
        raise DatabaseError("a queue cannot live in memory: workers share it", hint=_HINT)
    path = Path(url.database).absolute()
    if _is_folder(path):
        raise DatabaseError(f"{path} is a folder", hint="Name a file in it with --db.")
    return url.set(drivername="sqlite", database=str(path))


def file_of(url: URL) -> Path | None:
    """The path of an SQLite file, `None` for a database on a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


_SECRET: Final = (
    *("password", "passfile", "sslpassword"),
    *("oauth_client_secret", "scram_client_key", "scram_server_key"),
)
_HOW: Final = ("listen_url", "notify", "prepare", "options", "application_name", "connect_timeout")
"""Words of a URL that say how a database is reached, and not which it is."""


def name_of(url: URL) -> str:
    """Which database of a server it is, as people write it: no password, not how it is reached.

    A word that is not known here may say which: `service`, `dbname`, `hostaddr` do.
    """
    query = {word: value for word, value in url.query.items() if word not in _SECRET + _HOW}
    return url.set(drivername=url.get_backend_name(), query=query).render_as_string()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # somebody else's: told when it cannot be opened
        return False
