"""Waits end at a signal, at the commit of another connection, or at their time."""

import os
import select
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from jobrunner import TaskQueue
from jobrunner.runtime import lookout
from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.settler import Settler
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import bell, sqlite
from jobrunner.storage.listen import NoticeWatch
from jobrunner.storage.notices import Notifier
from jobrunner.storage.watch import ChangeWatch
from tests.databases import on_a_file, on_a_server
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE, until

LONG = 60.0


@pytest.fixture
def heard(queue, monkeypatch):
    """Wait until so much has been told to a watch; a file tells nothing by itself."""
    told, hear = threading.Semaphore(0), NoticeWatch.hear

    def counted(watch, news):
        hear(watch, news)
        told.release()

    def heard(number):
        if queue.database.path is None:
            assert all(told.acquire(timeout=PATIENCE) for _ in range(number))

    monkeypatch.setattr(NoticeWatch, "hear", counted)
    return heard


@pytest.fixture
def watch(queue, heard):
    """What sees commits: on a server as soon as it listens, of which it tells, twice."""
    watch = queue.database.watch()
    heard(2)
    watch.changed()
    return watch


@pytest.fixture
def elsewhere(location):
    """The same queue, as another process opens it."""
    queue = TaskQueue(location)
    yield queue
    queue.close()


@pytest.fixture
def wakeup(watch):
    wakeup = Wakeup(watch, SystemClock())
    yield wakeup
    wakeup.close()


def waited(wakeup, seconds=LONG):
    """What a wait says, and how long it took."""
    began = time.monotonic()
    return wakeup.wait(seconds), time.monotonic() - began


def ended_by(wakeup, call):
    """What a wait says that ends early, because another thread makes a call meanwhile."""
    calling = threading.Thread(target=call)
    calling.start()
    changed, took = waited(wakeup)
    calling.join()
    assert took < LONG / 2
    return changed


def test_a_wait_ends_at_its_time(wakeup):
    changed, took = waited(wakeup, 0.05)
    assert not changed
    assert 0.05 <= took < LONG / 2


def test_a_wait_ends_when_another_connection_commits(queue, wakeup):
    assert ended_by(wakeup, lambda: queue.enqueue(f.add.bind(1, 2)))


def test_a_commit_before_the_wait_ends_it_at_once(queue, wakeup, heard):
    queue.enqueue(f.add.bind(1, 2))
    assert waited(wakeup)[0]
    heard(2)  # a second look finds what was left untold
    wakeup.wait(0.01)
    assert not wakeup.wait(0.01)


def test_a_wait_ends_when_it_is_set_from_another_thread(wakeup):
    assert not ended_by(wakeup, wakeup.set)


def test_being_set_before_the_wait_is_not_lost_and_counts_once(wakeup):
    wakeup.set()
    wakeup.set()
    assert waited(wakeup)[1] < LONG / 2
    assert waited(wakeup, 0.05)[1] >= 0.05


def test_a_wait_ends_when_a_signal_handler_has_noted_something(watch):
    noted = []
    wakeup = Wakeup(watch, SystemClock(), interrupted=lambda: bool(noted))
    noting = threading.Timer(0.05, noted.append, [1])
    noting.start()
    changed, took = waited(wakeup)
    noting.join()
    wakeup.close()
    assert not changed
    assert took < LONG / 2


@on_a_file
def test_an_enqueue_elsewhere_ends_a_wait_that_does_not_look(elsewhere, watch, wakeup):
    watch.pauses = (LONG, LONG)
    for _ in range(3):
        assert ended_by(wakeup, lambda: elsewhere.enqueue(f.add.bind(1, 2)))


@on_a_file
def test_what_others_commit_without_a_word_is_found_by_looking(queue, wakeup, monkeypatch):
    monkeypatch.setattr(bell, "ring", lambda _path: None)
    assert ended_by(wakeup, lambda: queue.enqueue(f.add.bind(1, 2)))


def test_to_set_what_is_closed_touches_no_file_that_has_its_number_now(watch):
    wakeup = Wakeup(watch, SystemClock())
    wakeup.close()
    ends = os.pipe()  # they get the numbers that are free
    wakeup.set()
    assert not select.select([ends[0]], [], [], 0)[0]
    for end in ends:
        os.close(end)


@on_a_file
def test_a_database_that_cannot_be_read_wakes_once_and_again_when_it_can(wakeup, monkeypatch):
    def unread(_watch):
        raise sqlite.choose_driver().OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(ChangeWatch, "_read", unread)
        assert waited(wakeup, 0.01)[0]
        assert not waited(wakeup, 0.01)[0]
    assert waited(wakeup, 0.01)[0]


def test_an_idle_worker_is_woken_by_an_enqueue_elsewhere_and_need_not_look(
    elsewhere, start_worker, monkeypatch
):
    monkeypatch.setattr(lookout, "POLL_EVERY", 10 * LONG)
    start_worker()
    for number in range(3):
        elsewhere.enqueue(f.add.bind(number, 1)).wait(timeout=LONG)


@on_a_file
def test_what_a_worker_writes_in_its_own_turn_is_no_news_to_it(queue, elsewhere, watch, wakeup):
    with queue.database.writing(watch=watch) as transaction:
        transaction.exec_driver_sql("UPDATE queues SET paused_at = paused_at")
        transaction.exec_driver_sql("INSERT INTO queues (name) VALUES ('other')")
    assert not wakeup.wait(0.01)
    with queue.database.writing() as transaction:
        transaction.exec_driver_sql("DELETE FROM queues")
    assert wakeup.wait(0.01)
    elsewhere.enqueue(f.add.bind(1, 2))
    assert wakeup.wait(0.01)


@on_a_file
def test_who_rings_is_heard_whatever_was_seen_before(queue, watch, wakeup):
    def ring():
        watch.changed()  # it saw what was committed, and not that it was news
        bell.ring(queue.database.path.with_name("jobs.db.lock"))

    assert ended_by(wakeup, ring)


@on_a_file
def test_a_worker_does_not_look_again_because_of_what_it_has_written(
    queue, start_worker, monkeypatch
):
    in_vain, turn = [], Settler.turn

    def counted(settler, ended, wants, meanwhile):
        turned = turn(settler, ended, wants, meanwhile)
        if not ended and not turned.leases:
            in_vain.append(turned)
        return turned

    monkeypatch.setattr(lookout, "POLL_EVERY", 10 * LONG)
    start_worker()
    until(queue, queue.workers)
    queue.enqueue(f.add.bind(0, 1)).wait(timeout=LONG)
    monkeypatch.setattr(Settler, "turn", counted)
    tasks = 20
    for number in range(tasks):
        queue.enqueue(f.add.bind(number, 1)).wait(timeout=LONG)
    assert len(in_vain) < tasks / 2


def test_none_of_many_enqueues_is_overlooked(location, start_worker, monkeypatch):
    monkeypatch.setattr(lookout, "POLL_EVERY", 10 * LONG)
    start_worker()

    def enqueue(_hand):
        with closing(TaskQueue(location)) as queue:
            for number in range(50):
                queue.enqueue(f.add.bind(number, 1)).wait(timeout=LONG)

    with ThreadPoolExecutor(3) as hands:
        list(hands.map(enqueue, range(3)))


@on_a_server
def test_a_worker_that_hears_no_notices_looks_by_itself(elsewhere, start_worker, monkeypatch):
    monkeypatch.setattr(Notifier, "tell", lambda _self, _driver, _news: None)
    start_worker()
    for number in range(2):
        elsewhere.enqueue(f.add.bind(number, 1)).wait(timeout=LONG)


@on_a_server
def test_who_listens_on_a_connection_that_was_ended_listens_on_another(queue, elsewhere, wakeup):
    listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
    with queue.transaction() as connection:
        connection.exec_driver_sql(f"{listening} AND datname = current_database()")
    assert waited(wakeup)[0]  # it listens again, and may have missed something
    elsewhere.enqueue(f.add.bind(1, 2))
    assert waited(wakeup)[0]
