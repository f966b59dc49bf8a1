"""Servers of a test's own, with users of little power, and what is said where a call fails."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.engine import Database
from tools import postgres

SECRET = "open-sesame"  # noqa: S105 — none
ROLES = (
    "CREATE ROLE guarded LOGIN PASSWORD 'right'",
    "CREATE ROLE weak LOGIN",
    "CREATE ROLE one LOGIN CONNECTION LIMIT 1",
    "CREATE ROLE nobody_in NOLOGIN",
)


@contextlib.contextmanager
def cluster(**settings):
    """A server with users of little power; one of them needs a password."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = postgres.Server(folder, settings=settings)
    rules = server.data / "pg_hba.conf"
    rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
    try:
        server.start()
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            for role in ROLES:
                connection.execute(role)
        yield server
    finally:
        if server.is_running():
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def url(server, *, user="postgres", name="postgres", host=None, **query):
    rest = "".join(f"&{key}={value}" for key, value in query.items())
    return f"postgresql://{user}:{SECRET}@/{name}?host={host or server.folder}{rest}"


def nothing(transaction):
    """To get in is enough."""


def write(transaction):
    transaction.execute(text("UPDATE workers SET beat = 1"))


def wait(transaction):
    # Here only: a busy machine may take as long for any statement, or between two.
    transaction.execute(text("SET LOCAL statement_timeout = 50"))
    transaction.execute(text("SELECT pg_sleep(60)"))


def told(location, call=nothing, *, kind=DatabaseError):
    """What is said where a call fails in a writing transaction, and the next step."""
    database = Database(location)
    with pytest.raises(kind) as error:
        run(database, call)
    said, hint = str(error.value), error.value.hint
    assert SECRET not in said + hint
    assert "\n" not in said
    assert hint.endswith(".")
    if call is not nothing:  # who was let in is again
        with database.reading() as transaction:
            assert transaction.scalar(text("SELECT 1")) == 1
    database.close()
    return said, hint


def run(database, call):
    with database.writing() as transaction:
        call(transaction)
