"""Databases of a PostgreSQL server, one a test: copies of one that has the newest tables."""

import contextlib
import fcntl
import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from jobrunner.storage import migrate, views
from jobrunner.storage.engine import Database

_names = itertools.count(1)

LOCKS = Path(tempfile.gettempdir())
"""Where all runs find each other's locks; some tests put their own folder in its place."""

on_a_file = pytest.mark.parametrize("location", ["sqlite"], indirect=True)
"""For tests of the files that SQLite has and a server hides: their damage, locks, log and room."""

on_a_server = pytest.mark.parametrize("location", ["postgresql"], indirect=True)
"""For tests of what only a server has: connections that it ends, notices that it sends."""


class Postgres:
    """A server to make databases on."""

    def __init__(self, url: str) -> None:
        """`url` names a database of it that always is, and a user who may make others."""
        self.url: URL = make_url(url)

    def at(self, database: str) -> str:
        """The URL of one of its databases."""
        return self.url.set(database=database).render_as_string(hide_password=False)

    @contextlib.contextmanager
    def connection(self, database: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A driver's own connection, each statement for itself."""
        url = self.at(database) if database else self.url.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    @contextlib.contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """A database with the newest tables, or `empty`; gone at the end, whoever uses it."""
        name = self._create("template0") if empty else self._with_tables()
        try:
            yield self.at(name)
        finally:
            self._drop(name)

    def _with_tables(self) -> str:
        return self._create(self._template())

    def _create(self, template: str) -> str:
        name = f"test_{os.getpid()}_{next(_names)}"
        with self.connection() as connection:
            # Faster than through the log; before version 15 there is nothing else.
            how = "STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}")
        return name

    def _drop(self, name: str) -> None:
        with self.connection() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _template(self) -> str:
        """Made once a run, by whoever comes first; on a server that stays, once a schema."""
        scripts = [*sorted(migrate.scripts().glob("versions/*.py")), Path(views.__file__)]
        digest = hashlib.sha256(b"".join(script.read_bytes() for script in scripts)).hexdigest()
        name = f"jobrunner_template_{digest[:8]}"
        lock = LOCKS / f"{name}-{os.getuid()}.lock"
        with lock.open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            with self.connection() as connection:
                known = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [name]
                ).fetchone()
                if not known:
                    connection.execute(f"DROP DATABASE IF EXISTS {name}_unfinished")
                    connection.execute(f"CREATE DATABASE {name}_unfinished TEMPLATE template0")
                    database = Database(self.at(f"{name}_unfinished"))
                    migrate.upgrade(database)
                    database.close()
                    connection.execute(f"ALTER DATABASE {name}_unfinished RENAME TO {name}")
        return name


class Supply(Postgres):
    """Makes the next database while a test has this one: to copy one takes a third of a second."""

    def __init__(self, url: str) -> None:
        """Nothing is made before it is asked for."""
        super().__init__(url)
        self._thread = ThreadPoolExecutor(1, "databases")
        self._next: Future[str] | None = None

    def _with_tables(self) -> str:
        ready = self._next or self._thread.submit(super()._with_tables)
        self._next = self._thread.submit(super()._with_tables)
        return ready.result()

    def _drop(self, name: str) -> None:
        self._thread.submit(super()._drop, name)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._next is not None:
            self._drop(self._next.result())
        self._thread.shutdown()
