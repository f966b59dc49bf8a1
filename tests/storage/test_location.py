"""A database is named by a path or a URL; what cannot be one is refused in words."""

from pathlib import Path

import pytest
from sqlalchemy import text

from jobrunner.core.errors import DatabaseError
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from jobrunner.storage.location import parse


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("jobs.db", f"sqlite:///{Path.cwd()}/jobs.db"),
        (Path("/a/jobs.db"), "sqlite:////a/jobs.db"),
        ("/a/b c.db", "sqlite:////a/b c.db"),
        ("sqlite:///jobs.db", f"sqlite:///{Path.cwd()}/jobs.db"),
        ("sqlite+pysqlite:////a.db", "sqlite:////a.db"),
        ("postgresql://me@host/name", "postgresql+psycopg://me@host/name"),
        ("postgresql+asyncpg://host/name?a=b", "postgresql+psycopg://host/name?a=b"),
    ],
)
def test_a_path_or_a_url_is_read(named, url):
    assert parse(named).render_as_string() == url


@pytest.mark.parametrize(
    "named",
    [
        "",
        ":memory:",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://host/x",
        "postgres+x://me@host/name",
        "postgresql://host:port/x",
        "no such://x",
        "://",
    ],
)
def test_what_cannot_hold_a_queue_is_refused_with_a_hint(named):
    with pytest.raises(DatabaseError) as told:
        Database(named)
    assert "sqlite:///PATH, or postgresql://HOST/NAME" in told.value.hint


def test_a_database_is_named_by_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = Database("jobs.db")
    migrate.ensure(database)
    monkeypatch.chdir("/")
    assert database.name == str(tmp_path / "jobs.db")
    with database.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM tasks")) == 0
    database.close()


def test_a_password_is_not_in_the_name_wherever_it_stands():
    url = "postgresql://me:secret@host/name?password=secret&schema=jobs&listen_url=postgresql://me:secret@h/n"
    database = Database(url)
    assert "secret" not in database.name
    assert "schema=jobs" in database.name
    assert database.location.count("secret") == 3  # it takes them to open it again
