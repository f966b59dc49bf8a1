"""The log of an SQLite file does not grow without end."""

import threading

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.storage import wal
from tests.databases import on_a_file

pytestmark = on_a_file

LIMIT = 256 * 1024


@pytest.fixture
def grow(store):
    """Write until the log is longer than the limit."""

    def grow():
        for _ in range(200):
            store.enqueue(NewTask(function="work", args=["x" * 20_000]))
            if wal.size(store.database.path) > LIMIT:
                return
        pytest.fail("the log does not grow")

    return grow


def test_a_log_within_its_limit_is_left_alone(store):
    store.enqueue(NewTask(function="work"))
    before = wal.size(store.database.path)
    assert not wal.cut(store.database, limit=before)
    assert wal.size(store.database.path) == before


def test_a_log_that_has_outgrown_its_limit_is_cut(store, grow):
    grow()
    assert wal.cut(store.database, limit=LIMIT)
    assert wal.size(store.database.path) == 0


def test_who_reads_for_long_puts_the_cut_off_and_keeps_nobody_waiting(store, grow, monkeypatch):
    monkeypatch.setattr(wal, "WAIT_MS", 50)
    with store.database.reading() as transaction:
        transaction.exec_driver_sql("SELECT count(*) FROM tasks").all()
        grow()
        assert not wal.cut(store.database, limit=LIMIT)
        assert store.enqueue(NewTask(function="work"))
    assert wal.cut(store.database, limit=LIMIT)


def test_under_readers_that_overlap_the_log_is_cut(store, grow):
    """There is always one that reads, but none for long: as under a page that many look at."""
    ended, reading = threading.Event(), threading.Barrier(4)

    def read():
        reading.wait(20)
        while not ended.is_set():
            with store.database.reading() as transaction:
                transaction.exec_driver_sql("SELECT count(*) FROM tasks").all()
                ended.wait(0.03)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    reading.wait(20)
    try:
        grow()
        # A try may come to nothing; maintenance tries every minute.
        assert any(wal.cut(store.database, limit=LIMIT) for _ in range(20))
        assert wal.size(store.database.path) < LIMIT
    finally:
        ended.set()
        for reader in readers:
            reader.join(20)


def test_the_log_is_cut_in_a_writers_turn(store, grow, monkeypatch):
    """In turn: a checkpoint that meets a commit is what the WAL-reset race needs."""
    grow()
    turns = []
    monkeypatch.setattr(wal, "Turnstile", lambda path: _Noted(path, turns))
    assert wal.cut(store.database, limit=LIMIT)
    assert turns == ["jobs.db.lock"]


class _Noted(wal.Turnstile):
    def __init__(self, path, turns):
        super().__init__(path)
        turns.append(path.name)
