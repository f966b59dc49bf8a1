"""Who listens hears what is told, and looks again for what was left out or missed."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobrunner.storage import listen, notices, postgres
from jobrunner.storage.engine import Database
from jobrunner.storage.listen import FIRST_PAUSE, LONGEST_PAUSE, Listener
from tests.databases import on_a_server
from tests.storage.conftest import Store
from tests.storage.hearing import Calls


@pytest.fixture
def calls(database):
    """Watches of some queues, called when there is news; somebody listens already."""
    opened = [database.watch()]
    Calls(opened[0]).settled()

    def watching(*names):
        opened.append(database.watch(queues=names))
        return Calls(opened[-1])

    yield watching
    for watch in opened:
        watch.close()


@on_a_server
def test_a_watch_is_called_at_once_and_a_second_time_for_what_was_left_out(store, calls):
    watch = calls("a")
    assert not watch.watch.changed()
    store.add(queue="a")
    for _ in range(2):
        assert watch.wait()
        assert watch.watch.changed()
    assert not watch.wait(3 * listen.AGAIN)
    assert not watch.watch.changed()


@on_a_server
def test_who_waits_for_other_queues_is_not_called(store, calls):
    everything, other = calls(), calls("b", "c")
    store.add(queue="a")
    assert everything.wait()
    assert everything.wait()
    assert not other.wait(0.001)
    store.write(notices.work)  # of any
    assert other.wait()


LISTENING = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = current_database()"


def listeners(connection):
    query = f"SELECT count(*) {LISTENING} AND pid <> pg_backend_pid()"
    return connection.execute(query).fetchone()[0]


@pytest.fixture
def threads():
    """Those that listen, and have not since before this test."""
    before = set(threading.enumerate())

    def found():
        new = set(threading.enumerate()) - before
        return [one for one in new if one.name == "jobrunner-jobrunner_work"]

    return found


@on_a_server
def test_a_listener_that_is_ended_listens_again_and_looks_for_what_it_missed(
    store, calls, connection
):
    watch = calls("a")
    connection.execute(f"SELECT pg_terminate_backend(pid) {LISTENING} AND pid <> pg_backend_pid()")
    watch.settled()  # it may have missed something
    store.add(queue="a")
    assert watch.wait()


def test_who_cannot_listen_tries_again_after_twice_as_long_and_never_waits_over_10_s(database):
    class End:
        """Notes the pauses, and is set after some."""

        pauses = []  # noqa: RUF012 — of this test

        def is_set(self):
            return len(self.pauses) == 9

        def wait(self, seconds):
            self.pauses.append(seconds)

    def refuse():
        raise OSError

    listener = Listener(database._engine.execution_options(), "jobrunner_work")
    listener._engine.raw_connection = refuse
    listener._end = End()
    listener._loop()
    assert End.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (0.1, 10.0)


@on_a_server
def test_where_notices_are_off_nobody_tells_and_nobody_listens(location, ear, connection):
    before = listeners(connection)
    database = Database(f"{location}&notify=off")
    store = Store(database)
    watch = database.watch()
    store.worker("ada")
    store.add()
    assert ear.heard() == []
    assert not watch.changed()
    assert listeners(connection) == before
    watch.close()
    database.close()


@on_a_server
def test_one_thread_and_one_session_listen_for_all_until_the_database_is_closed(
    threads, database, calls, connection
):
    for name in "abc":
        calls(name)
    assert (len(threads()), listeners(connection)) == (1, 1)
    database.close()
    assert threads() == []
    while listeners(connection):
        connection.execute("SELECT pg_sleep(0.01)")
    calls("a").settled()  # the next one begins anew


@on_a_server
def test_threads_that_begin_to_watch_at_once_share_one_listener(threads, database, monkeypatch):
    both, engine = threading.Barrier(2), postgres._engine

    def slow(url, **options):
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.2)  # where both are let in, both make one
        return engine(url, **options)

    monkeypatch.setattr(postgres, "_engine", slow)
    with ThreadPoolExecutor(2) as together:
        watches = list(together.map(lambda _: database.watch(), range(2)))
    assert len(threads()) == 1
    for watch in watches:
        watch.close()
    database.close()
    assert threads() == []
