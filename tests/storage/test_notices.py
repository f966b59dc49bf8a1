"""A commit tells what it has led to, seldom enough; who listens hears it, and what it missed."""

import queue as queues
import threading

import psycopg
import pytest
from sqlalchemy import text

from jobrunner.core.outcome import Completed
from jobrunner.core.task import LONGEST_QUEUE, NewTask
from jobrunner.storage import listen, migrate, notices
from jobrunner.storage.engine import Database
from jobrunner.storage.listen import FIRST_PAUSE, LONGEST_PAUSE, Listener
from jobrunner.storage.notices import GAP, Notifier
from tests.databases import on_a_server
from tests.storage.conftest import Store

LONG = 20.0
CHANNELS = ("work", "ends")


class Ear:
    """A session of its own that hears what is told."""

    def __init__(self, connection, channels="jobrunner"):
        self._connection = connection
        for topic in CHANNELS:
            connection.execute(f'LISTEN "{channels}_{topic}"')
        connection.execute("LISTEN so_far")

    def heard(self):
        """All that was told since it was last asked; sessions are heard in the order of commits."""
        self._connection.execute("NOTIFY so_far")
        found = []
        for notice in self._connection.notifies(timeout=LONG):
            if notice.channel == "so_far":
                return found
            found.append((notice.channel.rpartition("_")[2], notice.payload))
        pytest.fail("a server tells who told himself")


@pytest.fixture
def connection(location):
    with psycopg.connect(location, autocommit=True) as connection:
        yield connection


@pytest.fixture
def ear(connection):
    return Ear(connection)


class Calls:
    """Counts how often a watch calls, and waits for it."""

    def __init__(self, watch):
        self.watch = watch
        self._calls = queues.Queue()
        watch.call(lambda: self._calls.put(1))

    def settled(self):
        """It listens from now on, and has looked again for what it could have missed."""
        assert self.wait() > 0
        while self.wait(3 * listen.AGAIN):
            pass
        return self

    def wait(self, seconds=LONG):
        """1 if it was called within so many seconds."""
        try:
            return self._calls.get(timeout=seconds)
        except queues.Empty:
            return 0


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


class Driver:
    """Keeps what is sent."""

    closed = False
    autocommit = False

    def __init__(self):
        self.sent = []

    def execute(self, _statement, values):
        assert self.autocommit
        self.sent += zip(values[::2], values[1::2], strict=True)


def test_the_same_is_told_once_in_50_ms_whatever_else_is_told(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(notices.time, "monotonic", lambda: now[0])
    notifier, driver = Notifier("jobrunner"), Driver()
    told = []
    for moment, queue in [(0, "a"), (0.01, "a"), (0.02, "b"), (0.049, "a"), (0.051, "a"), (9, "a")]:
        now[0] = 100 + moment
        notifier.tell(driver, {(notices.WORK, queue)})
        told.append(len(driver.sent))
    assert told == [1, 1, 2, 2, 3, 4]
    assert {channel for channel, _ in driver.sent} == {"jobrunner_work"}
    assert not driver.autocommit
    assert GAP == 0.05


@on_a_server
def test_a_commit_tells_of_its_queues_once_and_of_ends(store, ear):
    store.enqueue(*[NewTask(function="work", queue=name) for name in "aab"])
    assert sorted(ear.heard()) == [("work", "a"), ("work", "b")]
    store.settle(store.claim_one(), Completed())
    assert ("ends", "") in ear.heard()


@on_a_server
def test_what_is_not_due_or_blocked_is_no_news(store, ear):
    parent = store.add(queue="a")
    ear.heard()
    store.add(queue="b", after=[parent])
    assert ear.heard() == []


@on_a_server
def test_who_is_told_can_see_it(store, ear, connection):
    store.add(queue="a")
    assert ear.heard() == [("work", "a")]
    assert connection.execute("SELECT queue FROM tasks").fetchall() == [("a",)]


@on_a_server
@pytest.mark.parametrize("name", ["ж" * LONGEST_QUEUE, "a'); DROP TABLE tasks; --", '"', "%s"])
def test_any_name_of_a_queue_can_be_told(store, ear, calls, name):
    watch = calls(name)
    store.add(queue=name)
    assert ear.heard() == [("work", name)]
    assert watch.wait()


@on_a_server
def test_of_what_was_rolled_back_nothing_is_told_then_or_later(store, ear):
    def fail(transaction):
        notices.work(transaction, ["a"])
        notices.ends(transaction)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 — it is ours
        store.write(fail)
    store.write(lambda transaction: transaction.execute(text("UPDATE workers SET beat = 7")))
    assert ear.heard() == []


@on_a_server
def test_a_commit_whose_notice_cannot_be_sent_is_a_commit(store, monkeypatch):
    def fail(_notifier, driver, _news):
        driver.close()
        raise psycopg.OperationalError("it is gone")

    monkeypatch.setattr(Notifier, "tell", fail)
    assert store.statuses(store.add(), store.add()) == ["pending", "pending"]


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


@on_a_server
def test_schemas_of_a_database_do_not_wake_each_other(store, location, ear, connection):
    database = Database(f"{location}&schema=jobs")
    migrate.upgrade(database)
    inside = Ear(connection, "jobrunner_jobs")
    other = Store(database)
    other.add(queue="a")
    assert inside.heard() == [("work", "a")]  # one session hears both kinds: it came once
    database.close()


LISTENING = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = current_database()"


def listeners(connection):
    query = f"SELECT count(*) {LISTENING} AND pid <> pg_backend_pid()"
    return connection.execute(query).fetchone()[0]


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
    database, calls, connection
):
    def threads():
        return [one for one in threading.enumerate() if one.name == "jobrunner-jobrunner_work"]

    for name in "abc":
        calls(name)
    assert (len(threads()), listeners(connection)) == (1, 1)
    database.close()
    assert threads() == []
    while listeners(connection):
        connection.execute("SELECT pg_sleep(0.01)")
    calls("a").settled()  # the next one begins anew
