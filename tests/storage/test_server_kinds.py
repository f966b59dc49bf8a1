"""Which servers and databases will do: their version, encoding, rights and tables."""

from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import text

from jobrunner.core.errors import DatabaseError
from jobrunner.core.finding import Level
from jobrunner.storage import health, migrate, postgres
from jobrunner.storage.engine import Database
from tests.storage.clusters import told, url


def test_a_schema_that_is_there_needs_no_right_to_make_one(own):
    with psycopg.connect(own.dsn(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA given AUTHORIZATION weak")
    database = Database(url(own, user="weak", schema="given"))
    migrate.upgrade(database)
    migrate.ensure(database)
    database.close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_does_not_hold_every_character_is_refused(own, encoding):
    with psycopg.connect(own.dsn(), autocommit=True) as connection:
        how = f"ENCODING '{encoding}' TEMPLATE template0"
        connection.execute(f"CREATE DATABASE in_{encoding} {how}")
    said, hint = told(url(own, name=f"in_{encoding.lower()}"))
    assert f"keeps text as {encoding}" in said
    assert "ENCODING 'UTF8'" in hint


@pytest.mark.parametrize("word", ["", "&client_encoding=latin1"])
def test_text_travels_as_utf8_whatever_is_said(own, monkeypatch, word):
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    database = Database(url(own) + word)
    with database.reading() as transaction:
        assert transaction.scalar(text("SELECT :said"), {"said": "日本"}) == "日本"
    database.close()


def test_a_server_that_is_too_old_is_refused(own, monkeypatch):
    monkeypatch.setattr(postgres, "OLDEST", 990_000)
    said, hint = told(url(own))
    assert said == "the server is older than PostgreSQL 14"
    assert hint == "Use a newer one."


def test_a_table_that_is_missing_is_told(own):
    said, hint = told(url(own), lambda one: one.execute(text("SELECT 1 FROM gone")))
    assert "lacks a table of jobrunner's" in said
    assert "backup" in hint


def test_it_is_seen_whether_notifications_arrive(own, monkeypatch):
    with psycopg.connect(own.dsn(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE elsewhere")
    there = quote(url(own, name="elsewhere"), safe="")
    for words, heard in {"": True, "&notify=off": None, f"&listen_url={there}": False}.items():
        database = Database(url(own) + words)
        if heard is False:
            monkeypatch.setattr(postgres, "HEARD_WITHIN", 0.2)
        assert database.hears_itself() is heard
        database.close()


def test_an_ear_that_cannot_be_had_is_told(own):
    database = Database(f"{url(own)}&listen_url={quote(url(own, user='stranger'), safe='')}")
    with pytest.raises(DatabaseError, match='role "stranger" does not exist'):
        database.hears_itself()
    database.close()


def test_what_that_means_is_told():
    levels = {True: Level.OK, None: Level.OK, False: Level.WARNING}
    assert {heard: health.hearing(heard).level for heard in levels} == levels
