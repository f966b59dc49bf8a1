"""Databases of a PostgreSQL server, one a test: copies of one that has the newest tables."""

import contextlib
import fcntl
import hashlib
import itertools
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
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
            (self._drop if empty else self._give_back)(name)

    def _with_tables(self) -> str:
        return self._create(self._template())

    def _give_back(self, name: str) -> None:
        self._drop(name)

    def _create(self, template: str) -> str:
        name = self._name()
        with self.connection() as connection:
            # Faster than through the log; before version 15 there is nothing else.
            how = "STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}")
        return name

    @staticmethod
    def _name() -> str:
        return f"test_{os.getpid()}_{next(_names)}"

    def _drop(self, name: str) -> None:
        with self.connection() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

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


_SHAPE = sql.SQL("""
    SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
        SELECT format('%s %s %s', oid, relname, reloptions) FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT format('%s %s %s %s %s %s', attrelid, attname, atttypid, attnotnull,
            attisdropped, atthasdef) FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT format('%s %s', oid, convalidated) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT format('%s %s', oid, tgenabled) FROM pg_trigger
        UNION ALL SELECT oid::text FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT oid::text FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
        UNION ALL SELECT 'set' FROM pg_db_role_setting
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        UNION ALL SELECT version_num FROM {}
    ) AS parts (line)
""").format(sql.Identifier(migrate.VERSION_TABLE))
"""All that a test may have changed of the tables themselves, in a word."""

_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_FILLED = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384
    AND pg_relation_size(oid) > 0 AND relnamespace = 'public'::regnamespace AND relname <> %s
"""

_COUNTED = "SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL"


class Supply(Postgres):
    """Empties a database for the next test: to make one takes a third of a second.

    It gets another name: what a test has left running finds it no more. One whose tables are not
    as they were is dropped.
    """

    def __init__(self, url: str) -> None:
        """Nothing is made before it is asked for."""
        super().__init__(url)
        self._thread = ThreadPoolExecutor(1, "databases")
        self._ready: deque[Future[str]] = deque()
        self._shape = ""

    def _with_tables(self) -> str:
        if not self._ready:
            self._ready.append(self._thread.submit(self._made))
        return self._ready.popleft().result()

    def _give_back(self, name: str) -> None:
        if len(self._ready) < 1:  # one is emptied while a test has the other
            self._ready.append(self._thread.submit(self._made))
        self._ready.append(self._thread.submit(self._anew, name))

    def _made(self) -> str:
        name = super()._with_tables()
        with self.connection(name) as connection:
            self._shape = _shape(connection)
        return name

    def _anew(self, name: str) -> str:
        """The same under another name, and nothing in it; if that cannot be, a new one."""
        with contextlib.suppress(psycopg.Error):
            with self.connection(name) as connection:
                connection.execute(_OTHERS)
                is_as_made = _shape(connection) == self._shape
                if is_as_made:
                    _empty(connection)
            if is_as_made:
                other = self._name()
                with self.connection() as connection:
                    connection.execute(f"ALTER DATABASE {name} RENAME TO {other}")
                return other
        self._drop(name)
        return super()._with_tables()

    def close(self) -> None:
        """Leave nothing behind."""
        for ready in self._ready:
            self._drop(ready.result())
        self._thread.shutdown()


def _shape(connection: psycopg.Connection[Any]) -> str:
    (shape,) = connection.execute(_SHAPE).fetchone() or ("",)
    return str(shape)


def _empty(connection: psycopg.Connection[Any]) -> None:
    tables = [name for (name,) in connection.execute(_FILLED, [migrate.VERSION_TABLE])]
    if tables:
        connection.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
    for (name,) in connection.execute(_COUNTED).fetchall():
        connection.execute(f"ALTER SEQUENCE {name} RESTART")
    connection.execute("DELETE FROM pg_statistic WHERE starelid >= 16384")
