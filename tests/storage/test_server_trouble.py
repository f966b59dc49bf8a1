"""What a server refuses is told in one sentence with a next step, and never with a password."""

import contextlib

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jobrunner.core.errors import CommitUnknownError, DatabaseError
from jobrunner.storage import migrate
from jobrunner.storage.engine import Database
from tests.storage.clusters import SECRET, cluster, told, url, wait, write


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"host": "/tmp/nowhere"}, "No such file"),  # noqa: S108 — there is none
        ({"name": "absent"}, 'database "absent" does not exist'),
        ({"user": "stranger"}, 'role "stranger" does not exist'),
        ({"user": "guarded"}, "password authentication failed"),
        ({"user": "nobody_in"}, "not permitted to log in"),
        ({"sslmode": "bogus"}, "invalid sslmode"),
        ({"nonsense": "1"}, 'invalid connection option "nonsense"'),
        ({"connect_timeout": "soon"}, "connect_timeout"),
        ({"options": "-c%20nonsense%3D1"}, 'parameter "nonsense"'),
    ],
    ids=str,
)
def test_who_is_not_let_in_is_told_why(own, where, says):
    said, hint = told(url(own, **where))
    assert "cannot be used: " in said
    assert says in said
    assert "Check the host, the name, the user and the password" in hint


def test_a_host_that_refuses_is_told():
    said, _ = told(f"postgresql://me:{SECRET}@127.0.0.1:1/jobs")
    assert "refused" in said


def test_who_may_have_one_connection_is_told_of_the_second(own):
    location = url(own, user="one")
    with psycopg.connect(own.dsn().replace("user=postgres", "user=one")):
        said, _ = told(location)
    assert 'too many connections for role "one"' in said


def test_a_missing_privilege_is_named(own):
    said, hint = told(url(own, user="weak"), write)
    assert "does not allow it to this user: permission denied for table workers" in said
    assert "GRANT" in hint


def test_who_may_not_make_tables_is_told(own):
    database = Database(url(own, user="weak", schema="of_the_weak"))
    with pytest.raises(DatabaseError, match="permission denied for database"):
        migrate.upgrade(database)
    database.close()


def test_an_ended_session_whose_error_is_swallowed_stores_nothing_and_says_so(own):
    def swallowed(transaction):
        with contextlib.suppress(DBAPIError):
            end(transaction)

    said, _ = told(url(own), swallowed)
    assert "nothing of it was stored" in said


def test_a_statement_past_its_time_is_ended(own):
    said, hint = told(url(own), wait)
    assert "did not answer in time" in said
    assert "statement_timeout" in hint


def test_a_lock_that_is_not_had_in_time_is_told(own):
    with psycopg.connect(own.dsn()) as other:
        other.execute("LOCK TABLE workers")
        said, hint = told(url(own, options="-c%20lock_timeout%3D50"), write)
    assert "is locked by another session" in said
    assert "pg_stat_activity" in hint


def gone(connection, pid):
    """Wait until a session has ended."""
    query = "SELECT count(*), pg_sleep(0.01) FROM pg_stat_activity WHERE pid = %s"
    while connection.execute(query, [pid]).fetchone()[0]:
        pass


def test_a_transaction_that_does_nothing_is_ended(own):
    def rest(transaction):
        transaction.execute(text("SET idle_in_transaction_session_timeout = 50"))
        pid = transaction.scalar(text("SELECT pg_backend_pid()"))
        gone(looking, pid)
        write(transaction)

    with psycopg.connect(own.dsn(), autocommit=True) as looking:
        said, hint = told(url(own), rest)
    assert "in which nothing was done for too long" in said
    assert hint == "Keep transactions short."


def test_a_session_that_is_ended_is_told(own):
    said, hint = told(url(own), end)
    assert "shutting down" in said
    assert hint.startswith("Wait for it")


def end(transaction):
    transaction.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_a_session_that_is_ended_before_its_commit_leaves_it_unknown(own):
    def written(transaction):
        write(transaction)
        pid = transaction.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(own.dsn(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    said, _ = told(url(own), written, kind=CommitUnknownError)
    assert "it is not known whether the last commit was stored" in said


def test_a_session_that_was_ended_while_it_rested_disturbs_nobody(own):
    database = Database(url(own))
    with database.reading() as transaction:
        pid = transaction.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(own.dsn(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with database.writing() as transaction:
        write(transaction)
    database.close()


def test_a_transaction_that_may_only_read_is_told(own):
    said, hint = told(url(own, options="-c%20default_transaction_read_only%3Don"), write)
    assert "takes no writes" in said
    assert "primary" in hint


def test_a_standby_is_read_and_takes_no_writes_and_a_server_that_is_down_is_told():
    with cluster(wal_level="replica") as server:
        database = Database(url(server))
        migrate.upgrade(database)
        server.stop()
        (server.data / "standby.signal").touch()
        server.start()
        migrate.ensure(database)
        assert database.server_time()
        database.close()
        said, hint = told(url(server), write)
        assert "takes no writes" in said
        assert hint == "Give the address of the primary server."
        server.stop()
        said, hint = told(url(server))
        assert "cannot be used: " in said
        assert "that the server runs" in hint
