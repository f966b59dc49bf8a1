"""A commit that leads to work wakes who listens, and one that does not wakes nobody."""

import contextlib
import ctypes
import fcntl
import os
import select
import sys

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed
from jobrunner.storage import bell
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.watch import TOLD, UNTOLD
from tests.databases import on_a_file

linux = pytest.mark.skipif(sys.platform != "linux", reason="only its kernel has inotify")


def has_rung(descriptor):
    """Whether it can be read from, and is read empty."""
    ready = bool(select.select([descriptor], [], [], 0)[0])
    if ready:
        os.read(descriptor, 4096)
    return ready


@linux
def test_who_listens_hears_each_ring_until_it_is_taken(tmp_path):
    descriptor = bell.listen(tmp_path / "lock")
    assert not has_rung(descriptor)
    for _ in range(2):
        bell.ring(tmp_path / "lock")
        assert has_rung(descriptor)
        assert not has_rung(descriptor)
    os.close(descriptor)


@linux
def test_all_who_listen_hear_it(tmp_path):
    listening = [bell.listen(tmp_path / "lock") for _ in range(3)]
    bell.ring(tmp_path / "lock")
    assert all(has_rung(descriptor) for descriptor in listening)
    for descriptor in listening:
        os.close(descriptor)


def test_to_ring_where_nothing_is_does_no_harm(tmp_path):
    bell.ring(tmp_path / "lock")
    assert not (tmp_path / "lock").exists()


class Libc:
    """A C library of a kernel without inotify, or of one that has no instance left."""

    def __init__(self, **functions):
        vars(self).update(functions)


@pytest.mark.parametrize(
    "libc", [Libc(), Libc(inotify_init1=lambda _flags: -1)], ids=["none", "none left"]
)
@on_a_file
def test_without_inotify_a_watch_looks_often(store, monkeypatch, libc):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: libc)
    watch = store.database.watch()
    assert watch.descriptor is None
    assert watch.pauses == UNTOLD
    watch.close()


@linux
def test_where_a_file_cannot_be_watched_nothing_is_left_open(tmp_path, monkeypatch):
    read, write = os.pipe()
    libc = Libc(inotify_init1=lambda _flags: write, inotify_add_watch=lambda *_what: -1)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: libc)
    assert bell.listen(tmp_path / "lock") is None
    assert os.read(read, 1) == b""  # its other end is closed
    os.close(read)


@linux
@on_a_file
def test_only_what_leads_to_work_rings_and_only_when_it_is_committed(store):
    watch = store.database.watch()
    assert watch.pauses == TOLD
    with store.database.writing() as transaction:
        enqueue(transaction, [NewTask(function="work")], now=store.now)
        assert not has_rung(watch.descriptor)
    assert has_rung(watch.descriptor)
    store.settle(store.claim_one(), Completed())
    with contextlib.suppress(ZeroDivisionError), store.database.writing() as transaction:
        enqueue(transaction, [NewTask(function="work")], now=store.now)
        raise ZeroDivisionError
    assert not has_rung(watch.descriptor)
    watch.close()


@on_a_file
def test_whoever_is_woken_finds_that_it_is_nobodys_turn(store, monkeypatch):
    free = []

    def woken(path):
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free.append(path)

    monkeypatch.setattr(bell, "ring", woken)
    store.add()
    assert free
