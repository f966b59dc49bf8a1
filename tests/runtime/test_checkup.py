"""A checkup that was disturbed is made again: a quiet database is read as if nobody wrote."""

import os
from functools import partial

import pytest

from jobrunner import NewTask, TaskQueue
from jobrunner.core.finding import ok
from jobrunner.runtime import checkup
from tests.databases import on_a_file


@pytest.fixture
def queue(location):
    queue = TaskQueue(location)
    queue.enqueue(NewTask(function="f"))
    queue.close()
    yield queue
    queue.close()


def counted(monkeypatch, disturb):
    """The looks that a checkup takes, where something happens during the first."""
    looks = []

    def inside(*_):
        looks.append(len(looks))
        if len(looks) == 1:
            disturb()
        yield ok("database", f"look {len(looks)}")

    monkeypatch.setattr(checkup, "_inside", inside)
    return looks


@on_a_file
def test_an_undisturbed_look_is_taken_once(queue, monkeypatch):
    looks = counted(monkeypatch, lambda: None)
    assert queue.examine()[-1].says == "look 1"
    assert looks == [0]


@on_a_file
def test_a_database_that_is_opened_meanwhile_is_looked_at_again(queue, monkeypatch):
    looks = counted(monkeypatch, lambda: queue.enqueue(NewTask(function="f")))
    assert queue.examine()[-1].says == "look 2"
    assert looks == [0, 1]


@on_a_file
def test_a_database_in_use_is_read_in_one_view_and_needs_no_second_look(queue, monkeypatch):
    queue.enqueue(NewTask(function="f"))
    checkpoint = partial(os.utime, queue.database.path)  # as seen from outside
    looks = counted(monkeypatch, checkpoint)
    queue.examine()
    assert looks == [0]


def test_a_queue_in_this_process_is_examined_while_it_is_open(queue):
    queue.enqueue(NewTask(function="f"))
    found = {one.name: one for one in queue.examine()}
    assert found["queues"].says == "2 tasks pending, and no worker is running"
    assert queue.counts()["pending"] == 2
