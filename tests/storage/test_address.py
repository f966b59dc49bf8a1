"""A server's URL has words of ours; what it says for libpq itself wins."""

import pytest

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.address import CONNECTION, OWN, SESSION, TEXT, read
from jobrunner.storage.location import parse

PLAIN = "postgresql+psycopg://me:secret@host/name"


def address(query=""):
    return read(parse(f"{PLAIN}?{query}"))


def test_without_words_of_ours_there_are_limits_in_time_and_nothing_else():
    found = address()
    options = found.url.query["options"]
    assert options == " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    assert dict(found.url.query) == {**CONNECTION, **TEXT, "options": options}
    assert (found.schema, found.channels) == (None, "jobrunner")


def test_a_schema_is_where_names_are_looked_for_and_what_channels_are_called_after():
    found = address("schema=jobs")
    assert found.url.query["options"].endswith("-c search_path=jobs")
    assert (found.schema, found.channels) == ("jobs", "jobrunner_jobs")


def test_the_users_own_options_come_last_and_win():
    found = address("schema=jobs&options=-c%20statement_timeout%3D5s&connect_timeout=3")
    options = found.url.query["options"].split(" -c ")
    assert options.index("statement_timeout=5s") > options.index("lock_timeout=5s")
    assert options[-1] == "statement_timeout=5s"
    assert found.url.query["connect_timeout"] == "3"
    assert found.listen.query["connect_timeout"] == "3"


def test_our_own_words_never_reach_the_driver():
    found = address("schema=jobs&notify=on&listen_url=postgresql://h/n?schema%3Dx")
    for url in (found.url, found.listen):
        assert not set(OWN) & set(url.query)
        assert url.password in {"secret", None}


def test_who_listens_waits_longer_than_any_statement_may():
    listen = address("schema=jobs").listen
    assert (listen.host, listen.password) == ("host", "secret")
    assert "statement_timeout" not in listen.query.get("options", "")


def test_one_can_listen_elsewhere():
    listen = address("listen_url=postgresql://you@direct:6000/name").listen
    assert (listen.host, listen.port, listen.username) == ("direct", 6000, "you")
    assert listen.drivername == "postgresql+psycopg"
    assert listen.query["keepalives_idle"] == CONNECTION["keepalives_idle"]


@pytest.mark.parametrize("more", ["", "&listen_url=postgresql://h/n"])
def test_nobody_listens_where_notices_are_off(more):
    assert address(f"notify=off{more}").listen is None


@pytest.mark.parametrize(
    "query",
    [
        "schema=Jobs",
        "schema=1st",
        "schema=pg_jobs",
        "prepare_threshold=0",
        "row_factory=x",
        "autocommit=1",
        "schema=jobs%0A",
        "schema=a%20b",
        'schema=a"b',
        "schema=a;drop",
        "schema=a,b",
        "schema=%D0%B6",
        f"schema={'x' * 49}",
        "schema=a&schema=b",
        "notify=maybe",
        "notify=OFF",
        "notify=on&notify=off",
        "listen_url=here",
        "listen_url=postgresql://h:port/n",
        "listen_url=mysql://h/n",
        "listen_url=a://x&listen_url=b://x",
    ],
)
def test_what_has_no_meaning_is_refused_without_telling_the_password(query):
    with pytest.raises(DatabaseError) as told:
        address(query)
    assert told.value.hint.endswith(".")
    assert "secret" not in f"{told.value} {told.value.hint}"
