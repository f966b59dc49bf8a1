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


@pytest.mark.parametrize("word", ["service", "dbname", "user", "host", "hostaddr", "schema"])
def test_two_databases_that_one_word_of_the_url_tells_apart_have_two_names(word):
    one, other = (Database(f"postgresql:///?{word}={value}") for value in ("a", "b"))
    assert one.name != other.name
    assert one.lock_folder != other.lock_folder


@pytest.mark.parametrize(
    "words",
    [
        *("password=x", "sslpassword=x", "passfile=x", "options=-c%20jit%3Doff"),
        *("oauth_client_secret=x", "scram_client_key=x", "scram_server_key=x"),
        *("listen_url=postgresql://x/y", "notify=off", "prepare=off"),
        *("application_name=x", "connect_timeout=3"),
    ],
)
def test_how_a_database_is_reached_is_not_in_its_name(words):
    assert Database(f"postgresql://host/jobs?{words}").name == "postgresql://host/jobs"
