"""Waits end at a signal, at the commit of another connection, or at their time."""

import threading
import time

import pytest

from jobrunner.runtime.clock import SystemClock
from jobrunner.runtime.wakeup import Wakeup
from jobrunner.storage import sqlite
from jobrunner.storage.watch import ChangeWatch
from tests.runtime import functions as f

LONG = 20.0


@pytest.fixture
def wakeup(queue):
    wakeup = Wakeup(queue.database.watch(), SystemClock())
    yield wakeup
    wakeup.close()


def waited(wakeup, seconds=LONG):
    """What a wait says, and how long it took."""
    began = time.monotonic()
    return wakeup.wait(seconds), time.monotonic() - began


def test_a_wait_ends_at_its_time(wakeup):
    changed, took = waited(wakeup, 0.05)
    assert not changed
    assert 0.05 <= took < 2


def test_a_wait_ends_when_another_connection_commits(queue, wakeup):
    adding = threading.Thread(target=lambda: queue.enqueue(f.add.bind(1, 2)))
    adding.start()
    changed, took = waited(wakeup)
    adding.join()
    assert changed
    assert took < LONG / 2


def test_a_commit_before_the_wait_ends_it_at_once(queue, wakeup):
    queue.enqueue(f.add.bind(1, 2))
    assert waited(wakeup)[0]
    assert not wakeup.wait(0.01)


def test_a_wait_ends_when_it_is_set_from_another_thread(wakeup):
    setting = threading.Thread(target=wakeup.set)
    setting.start()
    changed, took = waited(wakeup)
    setting.join()
    assert not changed
    assert took < LONG / 2


def test_being_set_before_the_wait_is_not_lost_and_counts_once(wakeup):
    wakeup.set()
    wakeup.set()
    assert waited(wakeup)[1] < LONG / 2
    assert waited(wakeup, 0.05)[1] >= 0.05


def test_a_wait_ends_when_a_signal_handler_has_noted_something(queue):
    noted = []
    wakeup = Wakeup(queue.database.watch(), SystemClock(), interrupted=lambda: bool(noted))
    noting = threading.Timer(0.05, noted.append, [1])
    noting.start()
    changed, took = waited(wakeup)
    noting.join()
    wakeup.close()
    assert not changed
    assert took < LONG / 2


def test_a_database_that_cannot_be_read_wakes_once_and_again_when_it_can(wakeup, monkeypatch):
    def unread(_watch):
        raise sqlite.choose_driver().OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(ChangeWatch, "_read", unread)
        assert waited(wakeup, 0.01)[0]
        assert not waited(wakeup, 0.01)[0]
    assert waited(wakeup, 0.01)[0]
